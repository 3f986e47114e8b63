-- What a person sets of how much an environment may use, and what each release was made with. Null: nothing was said.

ALTER TABLE environments
    ADD COLUMN memory_bytes bigint CHECK (memory_bytes BETWEEN 8388608 AND 1125899906842624),
    ADD COLUMN cpu_percent int CHECK (cpu_percent BETWEEN 5 AND 100000),
    ADD CHECK (runtime <> 'static' OR (memory_bytes IS NULL AND cpu_percent IS NULL));

ALTER TABLE releases
    ADD COLUMN memory_bytes bigint CHECK (memory_bytes BETWEEN 8388608 AND 1125899906842624),
    ADD COLUMN cpu_percent int CHECK (cpu_percent BETWEEN 5 AND 100000);
