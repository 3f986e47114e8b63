-- Host names that people attach to an environment, beside the one that it has by itself.

-- `host` is in lower case and ASCII, `shown` as it was typed. One name leads to one environment, whoever is first.
-- `dns` is what was found when it was last looked at; `looks` counts those that found it wrong, one after another.
CREATE TABLE domains (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    host           text NOT NULL UNIQUE CHECK (host = lower(host) AND length(host) BETWEEN 1 AND 253),
    shown          text NOT NULL,
    is_primary     boolean NOT NULL DEFAULT false,
    dns_state      text NOT NULL DEFAULT 'waiting' CHECK (dns_state IN ('waiting', 'right', 'wrong')),
    dns            jsonb,
    looks          int NOT NULL DEFAULT 0,
    looked_at      timestamptz,
    look_at        timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON domains (environment_id);
CREATE INDEX ON domains (look_at);
CREATE UNIQUE INDEX one_primary_domain ON domains (environment_id) WHERE is_primary;

-- An environment in one row says its primary name too, once that leads there.
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
       domains.shown AS primary_name
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

-- A node may be reached by IPv6 too.
ALTER TABLE nodes ADD COLUMN public_ipv6 text;
