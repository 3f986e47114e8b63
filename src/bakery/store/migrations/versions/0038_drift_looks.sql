-- Each node is looked at now and then for what is otherwise than it should be; what was found is kept until it is right.
CREATE TABLE drift_looks (
    node_id bigint PRIMARY KEY REFERENCES nodes ON DELETE CASCADE,
    keys    text[] NOT NULL DEFAULT '{}',               -- of what differs
    suspected text[] NOT NULL DEFAULT '{}',             -- of what was found once, and is looked at again
    next_at timestamptz NOT NULL
);
