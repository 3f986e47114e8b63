-- People, how they sign in, what they may do, and the audit of what they did.

CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,          -- case-folded: two spellings are one person
    name text NOT NULL DEFAULT '',
    role text NOT NULL CHECK (role IN ('viewer', 'developer', 'admin')),
    all_apps boolean NOT NULL DEFAULT true,  -- false: only the apps in grants
    password_hash text,
    password_changed_at timestamptz NOT NULL DEFAULT now(),
    password_change_due boolean NOT NULL DEFAULT false,
    totp_secret bytea,                       -- sealed by the vault
    totp_confirmed_at timestamptz,
    totp_last_step bigint NOT NULL DEFAULT 0, -- a code is good once
    theme text NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    shortcuts boolean NOT NULL DEFAULT true,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    CHECK (totp_confirmed_at IS NULL OR totp_secret IS NOT NULL)
);

CREATE TABLE recovery_codes (
    person_id bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

-- The token itself is only in the cookie; here is its SHA-256.
CREATE TABLE sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    second_factor_due boolean NOT NULL DEFAULT false,
    stays boolean NOT NULL DEFAULT false,    -- also while nobody uses it
    address text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE apps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,39}$'),
    name text NOT NULL,
    last_number int NOT NULL DEFAULT 0,      -- of its deployments
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE grants (
    person_id bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    PRIMARY KEY (person_id, app_id)
);
CREATE INDEX grants_app ON grants (app_id);

CREATE TABLE api_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,                    -- its first characters, to tell it from others
    token_hash bytea NOT NULL UNIQUE,
    scope text NOT NULL CHECK (scope IN ('read', 'deploy', 'admin')),
    app_id bigint REFERENCES apps ON DELETE CASCADE,  -- only this app
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CHECK (app_id IS NULL OR scope = 'deploy')
);
CREATE INDEX api_tokens_person ON api_tokens (person_id);

CREATE TABLE invitations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'developer', 'admin')),
    token_hash bytea NOT NULL UNIQUE,
    invited_by bigint REFERENCES people ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz
);
-- One open invitation an address.
CREATE UNIQUE INDEX one_open_invitation ON invitations (email_key) WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE TABLE reset_links (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    clears_second_factor boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX reset_links_person ON reset_links (person_id);

-- Guesses of passwords, codes and links, for slowing down who guesses. A row is written before the guess is looked at,
-- so that many at once are counted too. What succeeded makes its address known. Old rows go.
CREATE TABLE attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    account text NOT NULL,
    address text NOT NULL,
    succeeded boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_account ON attempts (kind, account, at);
CREATE INDEX attempts_at ON attempts (at);

-- What the newest start printed, until there is a first admin. SHA-256.
CREATE TABLE setup_code (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    code_hash bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);

-- `bakery login URL`: a program shows a code, a signed-in browser confirms it, the program fetches its token once.
CREATE TABLE cli_logins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE,
    poll_hash bytea NOT NULL UNIQUE,
    machine text NOT NULL,
    address text NOT NULL,
    person_id bigint REFERENCES people ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    fetched_at timestamptz
);

-- Who did what to which thing. Rows are added, never changed.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    person_id bigint,                        -- no reference: the row outlives the person
    actor text NOT NULL,
    source text NOT NULL,
    address text NOT NULL,
    request_id text NOT NULL,
    token_id bigint,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id text NOT NULL,
    target_label text NOT NULL,
    app_id bigint,
    before jsonb,
    after jsonb
);
CREATE INDEX audit_app ON audit (app_id, id) WHERE app_id IS NOT NULL;
CREATE INDEX audit_person ON audit (person_id, id);
CREATE INDEX audit_target ON audit (target_kind, target_id, id);
CREATE INDEX audit_action ON audit (action text_pattern_ops, id);  -- found by how it begins
CREATE INDEX audit_at ON audit (at);

-- The chain: each seal holds the hash of its row and of the seal before. Added by the worker within seconds.
CREATE TABLE audit_seals (
    audit_id bigint PRIMARY KEY REFERENCES audit,
    position bigint NOT NULL UNIQUE CHECK (position > 0),
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or deleted.', TG_TABLE_NAME;
END;
$$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_stays_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER seals_stay BEFORE UPDATE OR DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER seals_stay_whole BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
