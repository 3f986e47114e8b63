-- An image of a registry as the source of an environment, and what builds were made from one.

CREATE TABLE image_sources (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    reference text NOT NULL,                 -- like registry.example:5000/team/shop:1.2
    port int CHECK (port BETWEEN 1 AND 65535),  -- in its container; null: what the image exposes
    username text,                           -- who the password is of
    password bytea,                          -- sealed
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((username IS NULL) = (password IS NULL))
);

-- Of an image `ref` is the name that was asked for, and the version its digest; before that is known it is empty.
ALTER TABLE builds
    DROP CONSTRAINT builds_source_check,
    DROP CONSTRAINT builds_check1,
    ADD CHECK (source IN ('folder', 'git', 'image')),
    ADD CHECK ((source = 'folder') = (ref IS NULL));
