-- Machines that are reached over SSH, the durable jobs that run on them, and every command that was run there.
SET LOCAL lock_timeout = '4s';

ALTER TABLE nodes
    DROP CONSTRAINT nodes_kind_check,
    ADD CONSTRAINT nodes_kind_check CHECK (kind IN ('local', 'ssh')),
    ALTER machine_id DROP NOT NULL,
    ADD host text,
    ADD port int CHECK (port BETWEEN 1 AND 65535),
    ADD login text,
    ADD bastion text,                        -- user@host:port, on the way there
    ADD key_public text,
    ADD key_secret bytea,                    -- sealed
    ADD next_key_public text,                -- of a rotation that is under way: it replaces the other once it is proven
    ADD next_key_secret bytea,               -- sealed
    ADD host_key text,                       -- pinned at the first handshake
    ADD bastion_host_key text,               -- likewise
    ADD other_host_key text,                 -- what was shown instead: blocked until an Admin decides
    ADD other_is_bastions boolean NOT NULL DEFAULT false,
    ADD state text NOT NULL DEFAULT 'online' CHECK (state IN ('new', 'online', 'unreachable', 'blocked')),
    ADD trouble text NOT NULL DEFAULT '',
    ADD trouble_hint text NOT NULL DEFAULT '',
    ADD state_since timestamptz NOT NULL DEFAULT now(),
    ADD is_draining boolean NOT NULL DEFAULT false,
    ADD handshake_at timestamptz,
    ADD handshake_seconds real,
    ADD checks jsonb NOT NULL DEFAULT '[]',  -- what verifying found, a line each
    ADD checked_at timestamptz,
    ADD check_asked_at timestamptz,          -- it is being verified while this is the later of the two
    ADD bootstrap_hash bytea UNIQUE,         -- of the address of its installer
    ADD bootstrap_until timestamptz,
    ADD CHECK ((kind = 'local') = (host IS NULL)),
    ADD CHECK ((kind = 'local') = (port IS NULL)),
    ADD CHECK ((kind = 'local') = (login IS NULL)),
    ADD CHECK ((kind = 'local') = (key_secret IS NULL)),
    ADD CHECK ((key_public IS NULL) = (key_secret IS NULL)),
    ADD CHECK ((next_key_public IS NULL) = (next_key_secret IS NULL)),
    ADD CHECK (kind = 'ssh' OR machine_id IS NOT NULL);

-- Durable work on a node. Its folder and its unit there have the job's key for a name.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE CHECK (key ~ '^j[0-9a-f]{24}$'),
    node_id bigint NOT NULL REFERENCES nodes ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('exec')),
    title text NOT NULL,                     -- the command, as a person would type it
    argv text[] NOT NULL CHECK (cardinality(argv) > 0),
    state text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'lost')),
    exit_status int,
    reason text NOT NULL DEFAULT '',
    log_stream_id bigint NOT NULL REFERENCES log_streams,
    log_offset bigint NOT NULL DEFAULT 0,    -- of the node's file: what lies before it is in the stream, masked
    seconds int NOT NULL CHECK (seconds > 0),
    memory_bytes bigint CHECK (memory_bytes > 0),
    cpu_percent int CHECK (cpu_percent > 0),
    person_id bigint REFERENCES people ON DELETE SET NULL,
    asked_by text NOT NULL,
    request_id text NOT NULL,                -- of the audit row that it came from
    queue_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    cancel_asked_at timestamptz,
    ended_at timestamptz,
    cleared_at timestamptz,                  -- its folder on the node is gone
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    CHECK (state <> 'running' OR started_at IS NOT NULL),
    CHECK (state <> 'succeeded' OR exit_status = 0),
    CHECK (state <> 'lost' OR exit_status IS NULL)
);
CREATE INDEX jobs_node ON jobs (node_id, id);
CREATE INDEX jobs_person ON jobs (person_id);
CREATE INDEX jobs_stream ON jobs (log_stream_id);
CREATE INDEX jobs_to_clear ON jobs (node_id) WHERE ended_at IS NOT NULL AND cleared_at IS NULL;

-- Every command that was run on a node, masked. `request_id` is that of the audit row that caused it.
CREATE TABLE transcripts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id bigint NOT NULL REFERENCES nodes ON DELETE CASCADE,
    at timestamptz NOT NULL,
    seconds real NOT NULL,
    command text NOT NULL,
    exit_status int,                         -- null: it could not start, or the connection was lost
    output text NOT NULL,                    -- its end
    request_id text NOT NULL DEFAULT ''
);
CREATE INDEX transcripts_node ON transcripts (node_id, id);
CREATE INDEX transcripts_request ON transcripts (request_id) WHERE request_id <> '';
CREATE INDEX transcripts_at ON transcripts (at);
CREATE INDEX audit_request ON audit (request_id);
