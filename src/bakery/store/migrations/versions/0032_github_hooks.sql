-- Webhooks that Bakery put into repositories at GitHub, to be repaired there and taken away.
CREATE TABLE github_hooks (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    person_id bigint REFERENCES people ON DELETE SET NULL,   -- by whose link
    repository text NOT NULL,                                -- owner/name
    hook bigint NOT NULL,                                    -- as GitHub counts
    checked_at timestamptz NOT NULL DEFAULT now()
);
