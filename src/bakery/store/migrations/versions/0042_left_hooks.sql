-- Webhooks that nothing here listens to any more and that GitHub has not taken away yet: remembered without their app,
-- which may be gone, until GitHub took them away or a person did.
SET LOCAL lock_timeout = '4s';

ALTER TABLE github_hooks ADD COLUMN server text NOT NULL DEFAULT '';
UPDATE github_hooks SET server = github_client.url FROM github_client;

CREATE TABLE github_left_hooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id bigint NOT NULL,                          -- whose it was, and its names then
    app_id bigint NOT NULL,
    app text NOT NULL,
    environment text NOT NULL,
    person_id bigint REFERENCES people ON DELETE SET NULL,   -- by whose link
    server text NOT NULL,
    repository text NOT NULL,                                -- owner/name
    hook bigint NOT NULL,                                    -- as GitHub counts
    since timestamptz NOT NULL DEFAULT now(),
    tries int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    problem text NOT NULL DEFAULT '',
    given_up_at timestamptz,
    UNIQUE (server, hook)
);
CREATE INDEX github_left_hooks_environment ON github_left_hooks (environment_id);
