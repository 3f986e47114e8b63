-- GitHub: the OAuth app by which people link their accounts, and the links.
CREATE TABLE github_client (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),   -- one for the installation
    url text NOT NULL,                                  -- of the server
    client_id text NOT NULL,
    secret bytea NOT NULL,                              -- sealed
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE github_links (
    person_id bigint PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    login text NOT NULL,                                -- as GitHub names the person
    token bytea NOT NULL,                               -- sealed
    ends_at timestamptz,                                -- of the token; null: not by itself
    refresh_token bytea,                                -- sealed
    linked_at timestamptz NOT NULL DEFAULT now()
);
