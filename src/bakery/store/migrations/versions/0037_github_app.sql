-- A GitHub App that was made for Bakery, where it is installed, and which apps here it opens.
CREATE TABLE github_apps (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),   -- one for the installation
    url text NOT NULL,                                  -- of the server
    number bigint NOT NULL,                             -- as GitHub counts
    slug text NOT NULL,                                 -- in its address there
    name text NOT NULL,
    owner text NOT NULL,                                -- the account that it belongs to
    client_id text NOT NULL,
    client_secret bytea NOT NULL,                       -- sealed
    webhook_secret bytea NOT NULL,                      -- sealed
    pem bytea NOT NULL,                                 -- sealed
    problem text NOT NULL DEFAULT '',                   -- of the last look
    hint text NOT NULL DEFAULT '',
    looked_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),          -- for the next look
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE github_installations (
    number bigint PRIMARY KEY,                          -- as GitHub counts
    app smallint NOT NULL DEFAULT 1 REFERENCES github_apps ON DELETE CASCADE,
    account text NOT NULL,
    settings_url text NOT NULL,                         -- where its repositories are chosen
    has_all boolean NOT NULL,                           -- or those that were chosen
    suspended_at timestamptz,
    gone_at timestamptz                                 -- it was uninstalled
);

CREATE TABLE github_repositories (
    installation bigint NOT NULL REFERENCES github_installations ON DELETE CASCADE,
    number bigint NOT NULL,                             -- as GitHub counts
    full_name text NOT NULL,                            -- owner/name
    PRIMARY KEY (installation, number)
);

CREATE TABLE github_tokens (
    name text PRIMARY KEY,                              -- the installation, and for what it is good
    installation bigint NOT NULL REFERENCES github_installations ON DELETE CASCADE,
    token bytea NOT NULL,                               -- sealed
    ends_at timestamptz NOT NULL
);

ALTER TABLE git_sources
    ADD COLUMN github_installation bigint REFERENCES github_installations ON DELETE SET NULL,
    ADD COLUMN github_repository bigint;                -- as GitHub counts: it keeps its number when it is renamed
CREATE INDEX git_sources_of_installation ON git_sources (github_installation, github_repository);

-- What an App's own webhook tells needs no address and no secret of its own.
ALTER TABLE webhooks ALTER COLUMN hook DROP NOT NULL, ALTER COLUMN secret DROP NOT NULL;
