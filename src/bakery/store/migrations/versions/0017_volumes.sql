-- Volumes: files of an environment that outlive its releases, by name and path; and the strategy, which a volume decides
-- where nobody does. Null: nobody said it. Until now every app that was not told otherwise bore the default.

ALTER TABLE environments
    ADD COLUMN volumes jsonb NOT NULL DEFAULT '{}',
    ADD CHECK (runtime <> 'static' OR volumes = '{}'),
    ALTER COLUMN strategy DROP NOT NULL,
    ALTER COLUMN strategy DROP DEFAULT;
UPDATE environments SET strategy = NULL WHERE strategy = 'blue-green';

ALTER TABLE releases ADD COLUMN volumes jsonb NOT NULL DEFAULT '{}';

-- What was ever made on a node, written before the node hears of it. A row outlives its app, and goes with the files.
CREATE TABLE volumes (
    node_id bigint NOT NULL REFERENCES nodes ON DELETE CASCADE,
    runtime text NOT NULL CHECK (runtime IN ('docker', 'process')),
    app text NOT NULL,
    environment text NOT NULL,
    name text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    going_at timestamptz,  -- somebody asked for it to be deleted
    PRIMARY KEY (node_id, runtime, app, environment, name)
);
