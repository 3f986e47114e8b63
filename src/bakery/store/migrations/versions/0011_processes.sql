-- Processes beside the one with the port, and how many of each.

-- What a person said; without a row one of each runs.
CREATE TABLE process_counts (
    environment_id bigint NOT NULL REFERENCES environments ON DELETE CASCADE,
    process text NOT NULL CHECK (process ~ '^[a-z][a-z0-9]{0,15}$' AND process NOT IN ('blue', 'green', 'web')),
    count int NOT NULL CHECK (count BETWEEN 0 AND 20),
    PRIMARY KEY (environment_id, process)
);

-- What may run in a slot beside the one with the port: there before the node hears of it, until it is gone from there.
CREATE TABLE slot_processes (
    environment_id bigint NOT NULL,
    colour text NOT NULL,
    process text NOT NULL,
    number int NOT NULL CHECK (number > 0),
    is_running boolean,                      -- when somebody looked last; null: nobody did
    restarts int NOT NULL DEFAULT 0,
    last_exit text NOT NULL DEFAULT '',
    PRIMARY KEY (environment_id, colour, process, number),
    FOREIGN KEY (environment_id, colour) REFERENCES slots ON DELETE CASCADE
);
