-- How nodes are doing: the newest line of each one's probe, and figures by the minute, hour and day.

CREATE TABLE node_vitals (
    node_id bigint PRIMARY KEY REFERENCES nodes ON DELETE CASCADE,
    at timestamptz NOT NULL,                 -- when we heard it
    line jsonb NOT NULL                      -- what a newer line did not say stays
) WITH (fillfactor = 50);                    -- it is written every few seconds, and its key never changes

-- A partition a UTC day, named node_minutes_YYYYMMDD; made and dropped by keep_metrics. No reference to nodes: with one,
-- dropping a partition would have to lock the nodes. What is left of a removed node goes with the partition.
CREATE TABLE node_minutes (
    node_id bigint NOT NULL,
    at timestamptz NOT NULL,                 -- its beginning
    seen bigint NOT NULL,                    -- a bit a second that has been counted, so that none counts twice
    samples int NOT NULL CHECK (samples > 0),
    cpu real NOT NULL,                       -- percent, on average
    cpu_min real NOT NULL,
    cpu_max real NOT NULL,
    memory_used bigint NOT NULL,
    memory_total bigint NOT NULL,
    disk_used bigint NOT NULL,
    disk_total bigint NOT NULL,
    load1 real NOT NULL,
    PRIMARY KEY (node_id, at)
) PARTITION BY RANGE (at);

-- From minutes.
CREATE TABLE node_hours (
    node_id bigint NOT NULL REFERENCES nodes ON DELETE CASCADE,
    at timestamptz NOT NULL,
    samples int NOT NULL CHECK (samples > 0),
    cpu real NOT NULL,
    cpu_min real NOT NULL,
    cpu_max real NOT NULL,
    memory_used bigint NOT NULL,
    memory_min bigint NOT NULL,
    memory_max bigint NOT NULL,
    memory_total bigint NOT NULL,
    disk_used bigint NOT NULL,
    disk_min bigint NOT NULL,
    disk_max bigint NOT NULL,
    disk_total bigint NOT NULL,
    load1 real NOT NULL,
    load1_min real NOT NULL,
    load1_max real NOT NULL,
    PRIMARY KEY (node_id, at)
);
CREATE INDEX node_hours_at ON node_hours (at);

-- From hours.
CREATE TABLE node_days (LIKE node_hours INCLUDING CONSTRAINTS INCLUDING INDEXES);
ALTER TABLE node_days ADD FOREIGN KEY (node_id) REFERENCES nodes ON DELETE CASCADE;

-- Bakery works as a role that owns no table, so making a day's partition and letting one go are done as the owner.
-- Not CREATE TABLE … PARTITION OF, for which everybody would have to let go of the whole table.
CREATE FUNCTION make_day_of_minutes(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    partition text := 'node_minutes_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE node_minutes INCLUDING ALL)', partition);
    EXECUTE format('ALTER TABLE node_minutes ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   partition, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
END;
$$;

CREATE FUNCTION drop_day_of_minutes(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', 'node_minutes_' || to_char(day, 'YYYYMMDD'));
END;
$$;
