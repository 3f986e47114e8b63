-- An app that somebody is about to make: what was typed so far, and what its repository turned out to be. One a person.
-- What opens the repository, and values of variables, are sealed. It goes when the app is made, or is thrown away.

CREATE TABLE drafts (
    person_id bigint PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    fields jsonb NOT NULL DEFAULT '{}',
    finding jsonb,
    token bytea,
    key_public text,
    key_secret bytea,
    variables bytea,
    saved_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((key_public IS NULL) = (key_secret IS NULL))
);
