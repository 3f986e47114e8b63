-- From a source to an image or an installation: what was found out, the durable jobs of steps, and going back.

ALTER TABLE environments
    DROP CONSTRAINT environments_runtime_check,
    DROP CONSTRAINT environments_check,
    ADD CHECK (runtime IN ('docker', 'process', 'static')),
    ADD CHECK (runtime <> 'static' OR command IS NULL),
    ADD CHECK (cardinality(command) > 0);

-- Counts the deployments that began: what a node has heard from a later one, an earlier one does not change any more.
ALTER TABLE environments ADD COLUMN generation bigint NOT NULL DEFAULT 0;
ALTER TABLE deployments
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN proof jsonb;                  -- visits through nginx while it switched: how many, how many failed

ALTER TABLE releases
    DROP CONSTRAINT releases_runtime_check,
    ADD CHECK (runtime IN ('docker', 'process', 'static'));

ALTER TABLE builds ADD COLUMN recipe jsonb;  -- what its source turned out to need; null: not looked at, or as it is

ALTER TABLE steps
    ADD COLUMN job_key text,                 -- of its durable job on the node
    ADD COLUMN job_offset bigint NOT NULL DEFAULT 0;  -- so many bytes of that job's log are in the deployment's

-- Going back leads to the release that was live when this one became so for the first time.
ALTER TABLE releases ADD COLUMN follows int;
UPDATE releases SET follows = before.number
FROM (SELECT id, lag(number) OVER (PARTITION BY environment_id ORDER BY live_at) AS number
      FROM releases WHERE live_at IS NOT NULL) AS before
WHERE before.id = releases.id;
ALTER TABLE deployments ADD COLUMN back_to int;  -- the earlier release that it brings back; null: it brings a new one

-- Each deployment with what it makes live: a release of its own, or an earlier one. `is_kept`: one can go back to it.
DROP VIEW deployment_facts;
CREATE VIEW deployment_facts AS
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
           AND later.state = 'succeeded' AND later.number > deployments.number) AS is_live
FROM deployments
JOIN apps ON apps.id = deployments.app_id
JOIN releases ON releases.id = deployments.release_id
JOIN builds ON builds.id = releases.build_id
LEFT JOIN slots AS live ON live.environment_id = deployments.environment_id AND live.state = 'live'
    AND live.release_id = deployments.release_id
WHERE apps.deleted_at IS NULL;

-- What was live, with where it runs. `is_kept`: it is on its node, so one can go back to it.
CREATE VIEW release_facts AS
SELECT releases.id, releases.environment_id, releases.number, builds.title, builds.version, releases.created_at,
       releases.live_at, releases.files_of, coalesce(releases.variables_version, 0) AS variables_version,
       releases.removed_at IS NULL AS is_kept, coalesce(slots.state = 'live', false) AS is_live, slots.colour AS slot
FROM releases
JOIN builds ON builds.id = releases.build_id
LEFT JOIN slots ON slots.release_id = releases.id
WHERE releases.live_at IS NOT NULL;
