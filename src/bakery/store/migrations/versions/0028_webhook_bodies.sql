-- A signature holds for a body, not for the id beside it: a body that came once is known under every other id, and for
-- longer than the delivery is kept.
CREATE TABLE webhook_bodies (
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    hash bytea NOT NULL,                     -- SHA-256
    delivery bigint REFERENCES webhook_deliveries ON DELETE SET NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment_id, hash)
);
CREATE INDEX webhook_bodies_old ON webhook_bodies (at);
CREATE INDEX webhook_bodies_delivery ON webhook_bodies (delivery);

CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (environment_id, id)
    WHERE decision = 'deploys' AND deployment IS NULL;
