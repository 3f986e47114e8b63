-- What a delivery told of a pull request, so that it can be delivered again.
SET LOCAL lock_timeout = '4s';

ALTER TABLE webhook_deliveries ADD COLUMN request jsonb;
