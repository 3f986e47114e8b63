-- What runs where: nodes, the environments of apps, their builds, releases, deployments and slots.

-- Set while an app is being taken from its node; nobody sees it any more.
ALTER TABLE apps ADD COLUMN deleted_at timestamptz;

CREATE TABLE nodes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,39}$'),
    kind text NOT NULL CHECK (kind IN ('local')),
    name text NOT NULL,
    machine_id text NOT NULL,                -- as its folder says; `local` means this machine and no other
    facts jsonb NOT NULL DEFAULT '{}',
    site_port int CHECK (site_port BETWEEN 1 AND 65535),  -- where nginx answers; null: there is no nginx
    public_address text,
    apps_domain text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE environments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9]{0,15}$' AND name NOT IN ('blue', 'green')),
    node_id bigint NOT NULL REFERENCES nodes,
    runtime text NOT NULL CHECK (runtime IN ('process', 'static')),
    command text[],
    health_path text CHECK (health_path LIKE '/%'),
    strategy text NOT NULL DEFAULT 'blue-green' CHECK (strategy IN ('blue-green', 'recreate')),
    is_stopped boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (app_id, name),
    CHECK ((runtime = 'process') = (command IS NOT NULL AND cardinality(command) > 0))
);
CREATE INDEX environments_node ON environments (node_id);

-- What a source was turned into. `archive` is the uploaded file on the node, until it is unpacked.
CREATE TABLE builds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    source text NOT NULL CHECK (source IN ('folder')),
    title text NOT NULL,
    version text NOT NULL,                   -- SHA-256 of the archive
    archive text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX builds_app ON builds (app_id);

-- A build and the settings it runs with. Never changed; named by the number of the deployment that made it.
CREATE TABLE releases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    build_id bigint NOT NULL REFERENCES builds ON DELETE CASCADE,
    runtime text NOT NULL CHECK (runtime IN ('process', 'static')),
    command text[],
    health_path text,
    live_at timestamptz,                     -- when it last became live
    removed_at timestamptz,                  -- its folder is gone
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (environment_id, number),
    UNIQUE (id, environment_id)
);
CREATE INDEX releases_build ON releases (build_id);

CREATE TABLE deployments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    release_id bigint NOT NULL REFERENCES releases ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN
        ('scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded')),
    trigger text NOT NULL CHECK (trigger IN ('browser', 'api', 'cli', 'system')),
    person_id bigint REFERENCES people ON DELETE SET NULL,
    asked_by text NOT NULL,
    idempotency_key text,
    job_id bigint,                           -- in the queue
    log_stream_id bigint NOT NULL REFERENCES log_streams,
    created_at timestamptz NOT NULL DEFAULT now(),
    scheduled_at timestamptz,
    started_at timestamptz,
    heartbeat_at timestamptz,
    cancel_asked_at timestamptz,
    ended_at timestamptz,
    failure text NOT NULL DEFAULT '',
    hint text NOT NULL DEFAULT '',
    UNIQUE (app_id, number),
    UNIQUE (app_id, idempotency_key),
    CHECK (state <> 'failed' OR failure <> ''),  -- while it still runs: what it cleans up after
    CHECK (state NOT IN ('scheduled', 'queued') OR started_at IS NULL),
    CHECK (state <> 'running' OR started_at IS NOT NULL),
    CHECK ((state IN ('scheduled', 'queued', 'running')) = (ended_at IS NULL)),
    CHECK (state <> 'scheduled' OR scheduled_at IS NOT NULL)
);
-- Two at once would fight over the slots; and of those that wait only the newest matters.
CREATE UNIQUE INDEX one_running_deployment ON deployments (environment_id) WHERE state = 'running';
CREATE UNIQUE INDEX one_queued_deployment ON deployments (environment_id) WHERE state = 'queued';
CREATE INDEX active_deployments ON deployments (environment_id) WHERE state IN ('queued', 'running');
CREATE INDEX deployments_environment ON deployments (environment_id, number);
CREATE INDEX deployments_release ON deployments (release_id);
CREATE INDEX deployments_person ON deployments (person_id);
CREATE INDEX deployments_stream ON deployments (log_stream_id);

CREATE TABLE steps (
    deployment_id bigint NOT NULL REFERENCES deployments ON DELETE CASCADE,
    position int NOT NULL CHECK (position > 0),
    key text NOT NULL,
    title text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN
        ('waiting', 'running', 'done', 'failed', 'skipped', 'cancelled')),
    started_at timestamptz,
    ended_at timestamptz,
    from_byte bigint,                        -- its part of the deployment's log
    to_byte bigint,
    PRIMARY KEY (deployment_id, position),
    UNIQUE (deployment_id, key),
    CHECK (state NOT IN ('running', 'done') OR started_at IS NOT NULL),
    CHECK (to_byte >= from_byte)
);

-- Where a release of an environment runs. A slot keeps its port while the environment lives.
CREATE TABLE slots (
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    colour text NOT NULL CHECK (colour IN ('blue', 'green')),
    node_id bigint NOT NULL REFERENCES nodes,
    port int CHECK (port BETWEEN 1024 AND 65535),  -- null: files that nginx reads
    state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'starting', 'live', 'retiring')),
    release_id bigint,
    since timestamptz NOT NULL DEFAULT now(),
    health text NOT NULL DEFAULT 'unknown' CHECK (health IN ('unknown', 'healthy', 'down')),
    health_note text NOT NULL DEFAULT '',
    health_at timestamptz,
    PRIMARY KEY (environment_id, colour),
    UNIQUE (node_id, port),
    FOREIGN KEY (release_id, environment_id) REFERENCES releases (id, environment_id),
    CHECK ((state = 'idle') = (release_id IS NULL))
);
-- Two deployments that finish together must not both become live.
CREATE UNIQUE INDEX one_live_slot ON slots (environment_id) WHERE state = 'live';
CREATE INDEX slots_release ON slots (release_id, environment_id);

-- An app in one row: what its pages and lists say. Whether it is healthy is decided from these in the model.
CREATE VIEW app_facts AS
SELECT apps.id, apps.slug, apps.name, apps.created_at,
       environments.id AS environment_id, environments.runtime, environments.command, environments.health_path,
       environments.strategy, environments.is_stopped,
       nodes.slug AS node, nodes.site_port, nodes.apps_domain,
       slots.colour, slots.port, slots.since AS live_since, slots.health, slots.health_note,
       releases.number AS live_number, builds.title, builds.version,
       EXISTS (SELECT FROM deployments WHERE deployments.environment_id = environments.id
               AND deployments.state IN ('queued', 'running')) AS is_deploying
FROM apps
JOIN environments ON environments.app_id = apps.id AND environments.name = 'production'
JOIN nodes ON nodes.id = environments.node_id
LEFT JOIN slots ON slots.environment_id = environments.id AND slots.state = 'live'
LEFT JOIN releases ON releases.id = slots.release_id
LEFT JOIN builds ON builds.id = releases.build_id
WHERE apps.deleted_at IS NULL;

-- A deployment as lists show it. Without a heartbeat for a minute it is interrupted until Bakery goes on with it.
CREATE VIEW deployment_facts AS
SELECT deployments.id, deployments.app_id, apps.slug AS app, apps.name AS app_name, deployments.environment_id,
       deployments.number, deployments.state, deployments.trigger, deployments.asked_by,
       builds.title, builds.version, deployments.created_at, deployments.scheduled_at, deployments.started_at,
       deployments.ended_at, deployments.failure, deployments.hint, deployments.log_stream_id AS log_stream,
       deployments.cancel_asked_at IS NOT NULL AS is_cancelling,
       deployments.state = 'running' AND deployments.heartbeat_at < now() - interval '60 seconds' AS is_interrupted,
       deployments.state = 'succeeded' AND EXISTS (
           SELECT FROM slots WHERE slots.environment_id = deployments.environment_id AND slots.state = 'live'
           AND slots.release_id = deployments.release_id) AS is_live
FROM deployments
JOIN apps ON apps.id = deployments.app_id
JOIN releases ON releases.id = deployments.release_id
JOIN builds ON builds.id = releases.build_id
WHERE apps.deleted_at IS NULL;
