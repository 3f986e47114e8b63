-- Whether a preview's environment was made as a fork's is: without variables and submodules, where its code is alone.
SET LOCAL lock_timeout = '4s';

ALTER TABLE previews ADD COLUMN made_for_fork boolean NOT NULL DEFAULT false;
UPDATE previews SET made_for_fork = is_fork;
