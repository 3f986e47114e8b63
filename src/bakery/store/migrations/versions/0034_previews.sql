-- Previews: an environment for each pull request of an app's repository, and what is known of the pull request.
SET LOCAL lock_timeout = '4s';

CREATE TABLE preview_settings (
    app_id bigint PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,  -- that previews are made like
    is_on boolean NOT NULL,
    variables text[] NOT NULL,               -- names that a preview is given; never one of a fork
    most int NOT NULL CHECK (most > 0),      -- at once
    days int NOT NULL CHECK (days > 0),      -- without a push
    memory_bytes bigint,
    cpu_percent int,
    forks text NOT NULL CHECK (forks IN ('never', 'approval')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX preview_settings_environment ON preview_settings (environment_id);

-- What a webhook told of a pull request, and what was made of it. A closed one stays known: what was told before it was
-- closed may still arrive.
CREATE TABLE previews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    number bigint NOT NULL CHECK (number > 0),
    environment_id bigint UNIQUE REFERENCES environments ON DELETE SET NULL,
    title text NOT NULL,
    branch text NOT NULL,
    author text NOT NULL,
    url text NOT NULL,
    is_fork boolean NOT NULL,
    head text NOT NULL CHECK (head ~ '^[0-9a-f]{40}$'),
    turn int NOT NULL DEFAULT 1,             -- counts heads
    is_open boolean NOT NULL,                -- the pull request, as its server says
    told_at timestamptz NOT NULL,            -- by its server's clock
    pushed_at timestamptz NOT NULL DEFAULT now(),
    ended text NOT NULL DEFAULT '' CHECK (ended IN ('', 'person', 'old', 'off')),  -- until the next push
    approved text NOT NULL DEFAULT '',       -- the commit of a fork that somebody allowed
    approved_by text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'approval', 'room', 'placed', 'refused', 'closed')),
    problem text NOT NULL DEFAULT '',
    deployed_turn int NOT NULL DEFAULT 0,
    deployment int,                          -- the number of the last one
    next_at timestamptz NOT NULL DEFAULT now(),
    -- The comment at the pull request.
    comment bigint,
    is_comment_begun boolean NOT NULL DEFAULT false,
    comment_said text NOT NULL DEFAULT '',
    comment_problem text NOT NULL DEFAULT '',
    comment_tries int NOT NULL DEFAULT 0,
    comment_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (app_id, number)
);
CREATE INDEX previews_kept ON previews (app_id) WHERE is_open OR environment_id IS NOT NULL;

ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_decision_check,
    ADD CHECK (decision IN ('deploys', 'previews', 'coalesced', 'ignored', 'refused', 'failed'));
