-- A pass begins when it is granted. Until now it began when its turn to ask came, a moment earlier: one
-- that ended between that moment and the count then overlapped it, and the record showed more calls
-- at once than were allowed, although there were not.
CREATE OR REPLACE FUNCTION take_pass(
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
        here := clock_timestamp();
        INSERT INTO passes (id, name, taken_at, expires_at)
        SELECT pass, name, here, here + make_interval(secs => lasts_s)
        FROM limits WHERE name = ANY (wanted);
    END IF;
END $$;
