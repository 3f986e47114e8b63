-- An environment in one row says too whether visitors of its primary name have TLS that their browsers trust: a
-- certificate for it, or with a star for it, that lasts, is really shown, and is none of an authority's tests.
CREATE OR REPLACE VIEW environment_facts AS
SELECT apps.id, apps.slug, apps.name, apps.created_at,
       environments.id AS environment_id, environments.runtime, environments.command, environments.health_path,
       environments.strategy, environments.is_stopped,
       nodes.slug AS node, nodes.site_port, nodes.apps_domain,
       slots.colour, slots.port, slots.since AS live_since, slots.health, slots.health_note,
       releases.number AS live_number, builds.title, builds.version,
       EXISTS (SELECT FROM deployments WHERE deployments.environment_id = environments.id
               AND deployments.state IN ('queued', 'running')) AS is_deploying,
       environments.name AS environment,
       domains.shown AS primary_name,
       EXISTS (SELECT FROM certificates WHERE certificates.environment_id = environments.id
               AND certificates.removed_at IS NULL AND certificates.not_after > now() AND certificates.trouble = ''
               AND certificates.directory IS DISTINCT FROM 'https://acme-staging-v02.api.letsencrypt.org/directory'
               AND certificates.names && ARRAY[domains.host, '*' || substr(domains.host, strpos(domains.host, '.'))]
       ) AS primary_has_tls
FROM apps
JOIN environments ON environments.app_id = apps.id AND environments.going_since IS NULL
JOIN nodes ON nodes.id = environments.node_id
LEFT JOIN slots ON slots.environment_id = environments.id AND slots.state = 'live'
LEFT JOIN releases ON releases.id = slots.release_id
LEFT JOIN builds ON builds.id = releases.build_id
LEFT JOIN domains ON domains.environment_id = environments.id AND domains.is_primary
    AND domains.dns_state = 'right'
WHERE apps.deleted_at IS NULL;
CREATE OR REPLACE VIEW app_facts AS SELECT * FROM environment_facts WHERE environment = 'production';
