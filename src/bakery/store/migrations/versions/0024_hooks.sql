-- Webhooks: what a server of Git tells of pushes, what was decided about each, and why.

CREATE TABLE webhooks (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    hook text NOT NULL UNIQUE,               -- in its address; nobody can guess it
    secret bytea NOT NULL,                   -- sealed
    is_on boolean NOT NULL DEFAULT true,     -- a push deploys
    paths text[] NOT NULL DEFAULT '{}',      -- globs of files that matter beside the base folder; none: all of them
    tags text NOT NULL DEFAULT '',           -- a glob of tags that deploy; empty: none
    repository_id text,                      -- as its server counts, from the first push on
    repository_url text,                     -- the address of the source that it was learned for
    head text,                               -- the newest commit that a push brought
    head_branch text,
    head_at timestamptz,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- The last look at the branch itself.
    seen_head text,
    seen_branch text,
    seen_at timestamptz,
    seen_problem text NOT NULL DEFAULT ''
);

-- What never held a signature is counted, not kept one by one: anybody can send it.
CREATE TABLE webhook_deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    delivery text NOT NULL,                  -- the server's own id of it
    is_signed boolean NOT NULL,
    provider text NOT NULL,
    event text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('deploys', 'coalesced', 'ignored', 'refused', 'failed')),
    why text NOT NULL,
    ref text NOT NULL DEFAULT '',
    before text NOT NULL DEFAULT '',
    commit text NOT NULL DEFAULT '',
    title text NOT NULL DEFAULT '',
    pusher text NOT NULL DEFAULT '',
    push jsonb,                              -- what was read of it, to decide again
    deployment int,                          -- the number of the one that it became
    redelivers bigint REFERENCES webhook_deliveries ON DELETE SET NULL,
    times int NOT NULL DEFAULT 1,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (environment_id, delivery) WHERE is_signed;
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (environment_id, id DESC);
CREATE INDEX webhook_deliveries_before ON webhook_deliveries (environment_id, before) WHERE before <> '';
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (at);

-- A push asks for a deployment by itself.
ALTER TABLE deployments DROP CONSTRAINT deployments_trigger_check,
    ADD CHECK (trigger IN ('browser', 'api', 'cli', 'system', 'push'));
