-- How often a provider, or one of its models, may be asked, across all workers. Written at start
-- from the settings: the process that was started last decides for all.
CREATE TABLE limits (
    name        text PRIMARY KEY,              -- the provider's, or the model's id
    at_once     integer CHECK (at_once > 0),
    per_minute  integer CHECK (per_minute > 0)
);

-- Permission for one call at a provider: a row for each limit the call counts against. It is held
-- until it ends, or until its holder has been silent for so long that it must be dead. Ended ones
-- are kept for a minute: they are what per_minute counts.
CREATE TABLE passes (
    id          uuid NOT NULL,
    name        text NOT NULL,                 -- of the limit
    taken_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,          -- moved on while it is held
    ended_at    timestamptz,
    PRIMARY KEY (id, name)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX passes_held ON passes (name) WHERE ended_at IS NULL;
CREATE INDEX passes_lately ON passes (name, taken_at);

-- Take a pass if every wanted limit allows it. wait_s: when not, how long until the rate allows
-- it; null when only the end of another call can.
--
-- A function, because one statement would count the passes as they were before it waited for the
-- locks, and let in too many. In here every statement looks anew.
CREATE FUNCTION take_pass(
    pass uuid, wanted text[], window_s float8, lasts_s float8,
    OUT granted boolean, OUT wait_s float8
) LANGUAGE plpgsql AS $$
DECLARE
    one      limits;
    here     timestamptz;
    earliest timestamptz;
BEGIN
    -- Always in the order of their names, or two calls could wait for each other.
    PERFORM FROM limits WHERE name = ANY (wanted) ORDER BY name FOR UPDATE;
    here := clock_timestamp();  -- now() is the time before the wait
    granted := true;
    FOR one IN SELECT * FROM limits WHERE name = ANY (wanted) LOOP
        IF one.at_once <= (SELECT count(*) FROM passes
                           WHERE name = one.name AND ended_at IS NULL AND expires_at > here) THEN
            granted := false;
        END IF;
        IF one.per_minute IS NOT NULL THEN
            SELECT taken_at INTO earliest FROM passes
            WHERE name = one.name AND taken_at > here - make_interval(secs => window_s)
            ORDER BY taken_at DESC OFFSET one.per_minute - 1 LIMIT 1;
            IF earliest IS NOT NULL THEN
                granted := false;
                wait_s := greatest(wait_s, window_s - extract(epoch FROM here - earliest));
            END IF;
        END IF;
    END LOOP;
    IF granted THEN
        INSERT INTO passes (id, name, taken_at, expires_at)
        SELECT pass, name, here, here + make_interval(secs => lasts_s)
        FROM limits WHERE name = ANY (wanted);
    END IF;
END $$;

-- A lane is left alone while it is paused (the provider asked us to wait, or an operator said so)
-- and while its breaker is open (opened_at is set: the provider fails). After open_until one call,
-- the probe, may find out whether it works again; it is its worker's as long as probe_until is
-- moved on. pause_s: how long the last pause was that nobody gave a length for.
ALTER TABLE lanes
    ADD COLUMN paused_until timestamptz,
    ADD COLUMN paused_why   text,
    ADD COLUMN pause_s      float8,
    ADD COLUMN opened_at    timestamptz,
    ADD COLUMN opened_why   text,
    ADD COLUMN open_until   timestamptz,
    ADD COLUMN probe        uuid,
    ADD COLUMN probe_until  timestamptz,
    ADD COLUMN closed_at    timestamptz,
    ADD CHECK ((paused_until IS NULL) = (paused_why IS NULL)),
    ADD CHECK ((opened_at IS NULL) = (open_until IS NULL)),
    ADD CHECK ((opened_at IS NULL) = (opened_why IS NULL)),
    ADD CHECK ((probe IS NULL) = (probe_until IS NULL)),
    ADD CHECK (probe IS NULL OR opened_at IS NOT NULL);

-- Failures the breaker counts, for some minutes. Successes are not written here: they are in
-- `predictions` anyway, and are looked up when something has failed.
CREATE TABLE lane_failures (
    lane    text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    why     text NOT NULL
);
CREATE INDEX lane_failures_lately ON lane_failures (lane, at);
