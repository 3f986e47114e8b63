-- The variables of environments, all their versions, and which of them a release was made with.

-- A saved change. `names` says of which variables; the values lie in `variables`.
CREATE TABLE variable_versions (
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    added text[] NOT NULL,
    changed text[] NOT NULL,
    removed text[] NOT NULL,
    restores int,                            -- the earlier version that it brought back
    person_id bigint REFERENCES people ON DELETE SET NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment_id, number),
    FOREIGN KEY (environment_id, restores) REFERENCES variable_versions (environment_id, number),
    CHECK (restores < number)
);
CREATE INDEX variable_versions_person ON variable_versions (person_id);

-- A value from the version that brought it up to the version that ended it: what a version held is found for ever.
-- The id is chosen before the row is made, because the value is sealed for its place.
CREATE TABLE variables (
    id uuid PRIMARY KEY,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,127}$'),
    value bytea NOT NULL,                    -- sealed
    scope text NOT NULL CHECK (scope IN ('run', 'build', 'both')),
    is_secret boolean NOT NULL,
    since int NOT NULL,
    until int,                               -- null: to this day
    UNIQUE (environment_id, name, since),
    FOREIGN KEY (environment_id, since) REFERENCES variable_versions (environment_id, number),
    FOREIGN KEY (environment_id, until) REFERENCES variable_versions (environment_id, number),
    CHECK (until > since)
);
CREATE UNIQUE INDEX one_value_today ON variables (environment_id, name) WHERE until IS NULL;
CREATE INDEX variables_until ON variables (environment_id, until);

-- The variables that a release runs with, as they were when it was made. Null: there were none yet.
ALTER TABLE releases
    ADD COLUMN variables_version int,
    ADD COLUMN files_of int CHECK (files_of > 0),  -- the release whose files it takes; null: it unpacks its own archive
    ADD FOREIGN KEY (environment_id, variables_version) REFERENCES variable_versions (environment_id, number);
CREATE INDEX releases_variables ON releases (environment_id, variables_version);
