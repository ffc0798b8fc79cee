-- Who pays. Money is whole credits, in four pockets: what was granted is either available, held for
-- a job that has not ended, or used. The last line is the whole of bookkeeping in one constraint;
-- the postings say how it came about.
--
-- An unlimited account has nothing available: a hold is granted when it is made and given back when
-- it is released, so that what was used is known all the same.
CREATE TABLE accounts (
    id              uuid PRIMARY KEY,              -- the user's
    unlimited       boolean NOT NULL DEFAULT false,
    granted         bigint NOT NULL DEFAULT 0,
    available       bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
    held            bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    used            bigint NOT NULL DEFAULT 0 CHECK (used >= 0),

    -- At the start of every period the account is filled up to the allowance; what is left of the
    -- last one counts, what was granted otherwise too.
    allowance       bigint CHECK (allowance > 0),
    allowance_every text CHECK (allowance_every IN ('day', 'week', 'month')),
    allowance_due   timestamptz,

    -- How many jobs it has that have not ended, how many of these wait for another one of its own to
    -- end (parked), and how many may be in the queue or running at a time (null: any number). Kept
    -- here because the row is locked anyway whenever they change.
    open_jobs       integer NOT NULL DEFAULT 0 CHECK (open_jobs >= 0),
    parked_jobs     integer NOT NULL DEFAULT 0 CHECK (parked_jobs BETWEEN 0 AND open_jobs),
    running_max     integer CHECK (running_max > 0),

    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (granted = available + held + used),
    CHECK ((allowance IS NULL) = (allowance_every IS NULL)),
    CHECK ((allowance IS NULL) = (allowance_due IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX accounts_due ON accounts (allowance_due) WHERE allowance_due IS NOT NULL;

INSERT INTO accounts (id, unlimited, granted, used)
SELECT id, true, spent, spent
FROM (SELECT id, (SELECT coalesce(sum(charged), 0) FROM jobs WHERE owner_id = users.id) AS spent
      FROM users) AS known;

-- Credits set aside for a job until it ends. One a job, ended once.
CREATE TABLE holds (
    job_id      uuid PRIMARY KEY,
    account_id  uuid NOT NULL,
    credits     bigint NOT NULL CHECK (credits > 0),
    source      text NOT NULL CHECK (source IN ('available', 'granted')),  -- where a release goes
    expires_at  timestamptz NOT NULL,
    confirmed   bigint CHECK (confirmed >= 0),
    released    bigint CHECK (released >= 0),
    ended_at    timestamptz,
    CHECK (confirmed + released = credits),
    CHECK ((ended_at IS NULL) = (confirmed IS NULL)),
    CHECK ((ended_at IS NULL) = (released IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX holds_open ON holds (expires_at) WHERE ended_at IS NULL;

-- The double-entry ledger. Every entry moves credits between two pockets, so its lines sum to zero;
-- `granted` is the pocket they come from and counts the other way round than the account's column.
-- `entry` is the business key ('hold:<job>', 'grant:<reference>'): nothing is posted twice.
CREATE TABLE postings (
    id              bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    entry           text NOT NULL,
    line            smallint NOT NULL CHECK (line IN (1, 2)),  -- 1 is what the account's owner reads
    account_id      uuid NOT NULL,
    pocket          text NOT NULL CHECK (pocket IN ('granted', 'available', 'held', 'used')),
    credits         bigint NOT NULL CHECK (credits <> 0),
    kind            text NOT NULL
                    CHECK (kind IN ('grant', 'hold', 'confirm', 'release', 'refund', 'expire')),
    available_after bigint NOT NULL,
    job_id          uuid,
    note            text,
    at              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entry, line)
);
CREATE INDEX postings_of_account ON postings (account_id, id DESC) WHERE line = 1;
CREATE INDEX postings_of_refunds ON postings (job_id) WHERE kind = 'refund';
CREATE INDEX postings_by_age ON postings USING brin (at) WITH (pages_per_range = 32);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'postings are never changed; post a new entry'; END $$;
CREATE TRIGGER postings_are_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_are_kept BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Jobs that are under way while this is applied.
INSERT INTO holds (job_id, account_id, credits, source, expires_at)
SELECT id, owner_id, price, 'granted', now() + interval '24 hours 10 minutes'
FROM jobs WHERE finished_at IS NULL AND price > 0;
INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, job_id)
SELECT 'hold:' || job_id, line, account_id, pocket, CASE line WHEN 1 THEN -credits ELSE credits END,
       'hold', 0, job_id
FROM holds, (VALUES (1, 'granted'), (2, 'held')) AS lines (line, pocket);
UPDATE accounts SET granted = granted + open.credits, held = open.credits
FROM (SELECT account_id, sum(credits) AS credits FROM holds GROUP BY account_id) AS open
WHERE open.account_id = accounts.id;

-- What was charged before there was a ledger.
INSERT INTO postings (entry, line, account_id, pocket, credits, kind, available_after, note)
SELECT 'grant:before the ledger ' || id, line, id, pocket, CASE line WHEN 1 THEN -used ELSE used END,
       'grant', 0, 'Used before there was a ledger.'
FROM accounts, (VALUES (1, 'granted'), (2, 'used')) AS lines (line, pocket)
WHERE used > 0;
