-- Names with a star are proven at their name server (DNS-01): which server, with which key, for which zones. Their
-- certificates are apart from the others of an environment, for certbot proves all names of one in one way.
CREATE TABLE dns_providers (
    name       text PRIMARY KEY,
    plugin     text NOT NULL,                           -- of certbot
    server     text NOT NULL,                           -- its address
    port       int NOT NULL CHECK (port BETWEEN 1 AND 65535),
    key_name   text NOT NULL,
    algorithm  text NOT NULL,
    secret     bytea NOT NULL,                          -- sealed
    wait       int NOT NULL CHECK (wait BETWEEN 0 AND 300),  -- seconds until all servers of a zone have a record
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE dns_provider_zones (
    zone     text PRIMARY KEY,                          -- written by one provider alone
    provider text NOT NULL REFERENCES dns_providers ON DELETE CASCADE
);
CREATE INDEX ON dns_provider_zones (provider);

-- Of those that are taken away at this moment there may be another.
ALTER TABLE certificates ADD COLUMN dns_provider text REFERENCES dns_providers ON DELETE SET NULL;
CREATE INDEX ON certificates (dns_provider);
DROP INDEX one_ordered_certificate;
CREATE UNIQUE INDEX one_ordered_certificate ON certificates (environment_id)
    WHERE NOT is_uploaded AND dns_provider IS NULL AND removed_at IS NULL;
CREATE UNIQUE INDEX one_certificate_by_dns ON certificates (environment_id, dns_provider)
    WHERE dns_provider IS NOT NULL AND removed_at IS NULL;

-- The provider of the smallest zone that the name lies in, if there is one.
CREATE VIEW starred_domains AS
SELECT domains.id, environment_id, host,
       (SELECT provider FROM dns_provider_zones WHERE right(host, length(zone) + 1) = '.' || zone
        ORDER BY length(zone) DESC LIMIT 1) AS provider
FROM domains WHERE host LIKE '*.%';
