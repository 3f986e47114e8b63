-- The address of a badge is of one environment, and can be made anew. The addresses of before were of a name alone: they
-- hold on for the environments that had one, and for none that comes later. An account at GitHub is known by its number,
-- whatever it is called.
SET LOCAL lock_timeout = '4s';

CREATE TABLE badges (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    turn int NOT NULL DEFAULT 0,             -- counts addresses
    takes_name boolean NOT NULL DEFAULT false
);
INSERT INTO badges (environment_id, takes_name) SELECT id, true FROM environments WHERE going_since IS NULL;

ALTER TABLE github_links ADD COLUMN number bigint;   -- as GitHub counts; null: it was not told yet
