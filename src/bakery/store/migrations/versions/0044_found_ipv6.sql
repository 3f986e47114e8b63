-- A node's public IPv6 address is found on the machine. What a person said of it before holds, also that there is none:
-- of those without one nobody knows whether it was said, so they get what is found.
SET LOCAL lock_timeout = '4s';

ALTER TABLE nodes ADD COLUMN is_ipv6_chosen boolean NOT NULL DEFAULT false;   -- by a person
UPDATE nodes SET is_ipv6_chosen = true WHERE public_ipv6 IS NOT NULL;
