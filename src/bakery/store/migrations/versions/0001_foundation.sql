-- What everything else stands on: the installation, its settings, events for live pages, and log streams.

-- One row: who we are, and which vault keys have been used here (never the keys themselves).
CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    key_fingerprints text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

-- What is set in the browser.
CREATE TABLE settings (
    name text PRIMARY KEY,
    value jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- A row a change, for pages that are open. Written last in a transaction, under a lock: ids are in commit order.
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_at ON events (at);

-- A log: masked bytes by offset. One writer a stream.
CREATE TABLE log_streams (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bytes bigint NOT NULL DEFAULT 0,
    lines bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE TABLE log_chunks (
    stream_id bigint NOT NULL REFERENCES log_streams ON DELETE CASCADE,
    from_byte bigint NOT NULL,
    to_byte bigint NOT NULL CHECK (to_byte > from_byte),
    lines_before bigint NOT NULL,
    bytes bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream_id, from_byte),
    CHECK (octet_length(bytes) = to_byte - from_byte)
);

-- Which process looks after what; a lease that is not renewed is free for another.
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    until timestamptz NOT NULL
);
