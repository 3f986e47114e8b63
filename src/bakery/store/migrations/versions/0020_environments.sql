-- An app has environments beside production: staging, the preview of a change.

-- Set while an environment is being taken from its node; nobody sees it any more. Production goes with its app alone.
ALTER TABLE environments ADD COLUMN going_since timestamptz;
ALTER TABLE environments ADD CHECK (going_since IS NULL OR name <> 'production');

-- An environment in one row: what its pages and lists say. Whether it is healthy is decided from these in the model.
CREATE VIEW environment_facts AS
SELECT apps.id, apps.slug, apps.name, apps.created_at,
       environments.id AS environment_id, environments.runtime, environments.command, environments.health_path,
       environments.strategy, environments.is_stopped,
       nodes.slug AS node, nodes.site_port, nodes.apps_domain,
       slots.colour, slots.port, slots.since AS live_since, slots.health, slots.health_note,
       releases.number AS live_number, builds.title, builds.version,
       EXISTS (SELECT FROM deployments WHERE deployments.environment_id = environments.id
               AND deployments.state IN ('queued', 'running')) AS is_deploying,
       environments.name AS environment
FROM apps
JOIN environments ON environments.app_id = apps.id AND environments.going_since IS NULL
JOIN nodes ON nodes.id = environments.node_id
LEFT JOIN slots ON slots.environment_id = environments.id AND slots.state = 'live'
LEFT JOIN releases ON releases.id = slots.release_id
LEFT JOIN builds ON builds.id = releases.build_id
WHERE apps.deleted_at IS NULL;

-- An app in a list is its production.
CREATE OR REPLACE VIEW app_facts AS SELECT * FROM environment_facts WHERE environment = 'production';

-- A deployment as lists show it. Without a heartbeat for a minute it is interrupted until Bakery goes on with it.
DROP VIEW deployment_facts;
CREATE VIEW deployment_facts AS
SELECT deployments.id, deployments.app_id, apps.slug AS app, environments.name AS environment,
       deployments.environment_id,
       deployments.number, deployments.state, deployments.trigger, deployments.asked_by,
       builds.title, builds.version, deployments.created_at, deployments.scheduled_at, deployments.started_at,
       deployments.ended_at, deployments.failure, deployments.hint, deployments.log_stream_id AS log_stream,
       deployments.cancel_asked_at IS NOT NULL AS is_cancelling,
       deployments.state = 'running' AND deployments.heartbeat_at < now() - interval '60 seconds' AS is_interrupted,
       releases.number AS release, releases.files_of, deployments.back_to,
       releases.live_at IS NOT NULL AND releases.removed_at IS NULL AS is_kept,
       live.release_id IS NOT NULL AS is_release_live,
       deployments.state = 'succeeded' AND live.release_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM deployments AS later WHERE later.release_id = deployments.release_id
           AND later.state = 'succeeded' AND later.number > deployments.number) AS is_live,
       CASE WHEN deployments.state = 'succeeded' AND deployments.bake_until > now()
           THEN deployments.bake_until END AS watched_until
FROM deployments
JOIN apps ON apps.id = deployments.app_id
JOIN environments ON environments.id = deployments.environment_id
JOIN releases ON releases.id = deployments.release_id
JOIN builds ON builds.id = releases.build_id
LEFT JOIN slots AS live ON live.environment_id = deployments.environment_id AND live.state = 'live'
    AND live.release_id = deployments.release_id
WHERE apps.deleted_at IS NULL AND environments.going_since IS NULL;
