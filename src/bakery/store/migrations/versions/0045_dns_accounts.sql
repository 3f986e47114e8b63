-- Whoever keeps a zone is told what the plugin of certbot for it asks for: of a name server, where it is and which key;
-- of others mostly a token alone. What is secret of it is sealed together, a line each.
SET LOCAL lock_timeout = '4s';

ALTER TABLE dns_providers ADD COLUMN fields jsonb NOT NULL DEFAULT '{}';
UPDATE dns_providers SET fields = jsonb_build_object(
    'server', server, 'port', port::text, 'key_name', key_name, 'algorithm', algorithm);
ALTER TABLE dns_providers ALTER COLUMN fields DROP DEFAULT;
ALTER TABLE dns_providers DROP COLUMN server, DROP COLUMN port, DROP COLUMN key_name, DROP COLUMN algorithm;
