-- A deployment may leave the tests out.

ALTER TABLE deployments ADD COLUMN skips_tests boolean NOT NULL DEFAULT false;
