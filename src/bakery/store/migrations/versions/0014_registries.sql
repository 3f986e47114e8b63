-- A deployment may leave the tests out, or repeat one that failed.

ALTER TABLE deployments ADD COLUMN skips_tests boolean NOT NULL DEFAULT false;

-- A deployment that failed after its release was made may be retried with what was made, for a while.
ALTER TABLE releases ADD COLUMN kept_until timestamptz;
ALTER TABLE deployments
    ADD COLUMN retry_of int,     -- the number of the deployment that it repeats, with its release
    ADD COLUMN retry_from text;  -- the first step that is done again
