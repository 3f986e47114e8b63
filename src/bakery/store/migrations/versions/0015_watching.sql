-- Traffic of each release by the minute, and how its slot is doing.

CREATE TABLE traffic_minutes (
    release_id bigint NOT NULL REFERENCES releases ON DELETE CASCADE,
    at timestamptz NOT NULL,                 -- its beginning
    seen bigint NOT NULL,                    -- a bit a second that has been counted, so that none counts twice
    requests bigint NOT NULL,
    errors bigint NOT NULL,                  -- answers of 500 and more
    times bigint[] NOT NULL,                 -- how many took how long, by the steps of the probe
    is_sampled boolean NOT NULL,             -- some of it stands for more than was read
    PRIMARY KEY (release_id, at)
);
CREATE INDEX traffic_minutes_at ON traffic_minutes (at);

-- Whether an app has never come up is asked of all apps at once.
CREATE INDEX failed_deployments ON deployments (app_id) WHERE state = 'failed';

-- What somebody reads of a running app comes into a log stream for as long as they look.
CREATE TABLE log_tails (
    stream_id bigint PRIMARY KEY REFERENCES log_streams ON DELETE CASCADE,
    app_id bigint NOT NULL,                  -- no reference: housekeeping takes the stream, and this with it
    began_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE slots
    ADD COLUMN check_kind text NOT NULL DEFAULT '',           -- what was looked at last: health page, front page, …
    ADD COLUMN health_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN restarts bigint NOT NULL DEFAULT 0,            -- ends nobody asked for, since its program was started
    ADD COLUMN trouble text NOT NULL DEFAULT '' CHECK (trouble IN ('', 'unhealthy', 'crash_loop')),
    ADD COLUMN revivals int NOT NULL DEFAULT 0,               -- how often Bakery restarted it in this trouble
    ADD COLUMN revived_at timestamptz;
