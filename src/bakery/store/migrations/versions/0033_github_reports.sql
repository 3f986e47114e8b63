-- What GitHub was told of deployments: the state that it knows, and why it does not know a newer one.
CREATE TABLE github_reports (
    deployment_id bigint PRIMARY KEY REFERENCES deployments ON DELETE CASCADE,
    state text NOT NULL DEFAULT '',                     -- told last
    github_deployment bigint,                           -- as GitHub counts
    problem text NOT NULL DEFAULT '',
    tries int NOT NULL DEFAULT 0,                       -- in vain, for the state that it does not know
    next_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deployments_newest ON deployments (created_at);
