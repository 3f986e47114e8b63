-- Git as the source of an environment, and the commits that builds were made of.

-- A row without an address holds a deploy key that waits for its repository.
CREATE TABLE git_sources (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    url text,
    branch text,
    base text NOT NULL DEFAULT '',           -- the folder of the app; empty: the top
    submodules boolean NOT NULL DEFAULT true,
    username text,                           -- who the token is of
    token bytea,                             -- sealed
    key_public text,
    key_secret bytea,                        -- sealed
    host_keys text[] NOT NULL DEFAULT '{}',  -- what the server showed when this was saved: lines as of known_hosts
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((url IS NULL) = (branch IS NULL)),
    CHECK (token IS NULL OR username IS NOT NULL),
    CHECK ((key_public IS NULL) = (key_secret IS NULL))
);

-- Of a commit the version is its hash and the title its message's first line; before it is fetched the version is
-- empty. `ref` is what was asked for.
ALTER TABLE builds
    DROP CONSTRAINT builds_source_check,
    ALTER archive DROP NOT NULL,
    ADD COLUMN ref text,
    ADD COLUMN base text NOT NULL DEFAULT '',
    ADD COLUMN author text,
    ADD COLUMN committed_at timestamptz,
    ADD CHECK (source IN ('folder', 'git')),
    ADD CHECK ((source = 'folder') = (archive IS NOT NULL)),
    ADD CHECK ((source = 'git') = (ref IS NOT NULL));
