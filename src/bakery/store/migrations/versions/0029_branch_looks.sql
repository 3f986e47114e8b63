-- Where a branch that an environment follows was seen to be, by asking its server: what pushes did not tell.
CREATE TABLE branch_looks (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    url text,                                -- the source as it was then
    branch text,
    commit text,                             -- null: there was no such branch, or its server did not say
    problem text NOT NULL DEFAULT '',
    hint text NOT NULL DEFAULT '',
    at timestamptz,                          -- null: nobody looked yet
    next_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX branch_looks_next ON branch_looks (next_at);

ALTER TABLE webhooks DROP COLUMN seen_head, DROP COLUMN seen_branch, DROP COLUMN seen_at, DROP COLUMN seen_problem;
