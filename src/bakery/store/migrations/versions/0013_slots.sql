-- A slot that stays warm, and a release that is watched for a while.

ALTER TABLE slots
    DROP CONSTRAINT slots_state_check,
    ADD CHECK (state IN ('idle', 'starting', 'live', 'retiring', 'warm')),
    ADD COLUMN warm_until timestamptz,       -- so long it runs on without visitors, to come back to
    ADD CHECK ((state = 'warm') = (warm_until IS NOT NULL));

ALTER TABLE deployments
    DROP CONSTRAINT deployments_state_check,
    ADD CHECK (state IN (
        'scheduled', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded', 'rolled_back')),
    ADD CHECK (state <> 'rolled_back' OR failure <> ''),
    ADD COLUMN bake_until timestamptz;       -- so long its release is taken back when it does worse than the one before
CREATE INDEX baking ON deployments (bake_until) WHERE bake_until IS NOT NULL AND state = 'succeeded';

CREATE OR REPLACE VIEW release_facts AS
SELECT releases.id, releases.environment_id, releases.number, builds.title, builds.version, releases.created_at,
       releases.live_at, releases.files_of, coalesce(releases.variables_version, 0) AS variables_version,
       releases.removed_at IS NULL AS is_kept, coalesce(slots.state = 'live', false) AS is_live, slots.colour AS slot,
       slots.warm_until
FROM releases
JOIN builds ON builds.id = releases.build_id
LEFT JOIN slots ON slots.release_id = releases.id
WHERE releases.live_at IS NOT NULL;

-- `watched_until`: so long Bakery takes it back by itself when it does worse than the one before.
CREATE OR REPLACE VIEW deployment_facts AS
SELECT deployments.id, deployments.app_id, apps.slug AS app, apps.name AS app_name, deployments.environment_id,
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
JOIN releases ON releases.id = deployments.release_id
JOIN builds ON builds.id = releases.build_id
LEFT JOIN slots AS live ON live.environment_id = deployments.environment_id AND live.state = 'live'
    AND live.release_id = deployments.release_id
WHERE apps.deleted_at IS NULL;
