-- How a release is checked, takes over, and what it may use: what a person sets of an environment besides what has a
-- column of its own, and what each release was made with, of which `defaults` were the installation's. What is not said
-- is not in it. The installation's own are in the settings, as `apps`.

ALTER TABLE environments
    ADD COLUMN terms jsonb NOT NULL DEFAULT '{}',
    ADD CHECK (runtime <> 'static' OR terms = '{}');

ALTER TABLE releases
    ADD COLUMN terms jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN defaults jsonb NOT NULL DEFAULT '{}';

-- What the program in a slot uses, as it was seen last: memory in bytes, CPU in percent of one.
ALTER TABLE slots
    ADD COLUMN used_memory bigint,
    ADD COLUMN used_cpu int;
