"""What must be true of the ledger at every moment, as SQL that finds what is not.

Each check answers a sentence for everything that is wrong; none is all right.
"""

from __future__ import annotations

from dataclasses import dataclass

from safelight.database.pool import Database

# How far back a look at what happened lately goes: much longer than the time between two looks, and
# than any transaction is allowed to last.
_LATELY = "interval '10 minutes'"
_TIMEOUT_S = 600
_ROWS_MAX = 50


@dataclass(frozen=True, slots=True)
class Invariant:
    """sql: rows of one column, a sentence each. sql_lately: the same over what happened lately;
    None where everything is looked at in no time."""

    name: str
    promise: str
    sql: str
    sql_lately: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. Of one invariant there are at most a few dozen, however many there
    would be."""

    invariant: str
    sentence: str


def _both(sql: str, *, everything: dict[str, str], lately: dict[str, str]) -> tuple[str, str]:
    """One text with {holes}, filled for both ranges."""
    texts = []
    for pieces in (everything, lately):
        text = sql
        for hole, piece in pieces.items():
            text = text.replace(f"{{{hole}}}", piece)
        texts.append(text)
    return texts[0], texts[1]


_RECENT = f"at > now() - {_LATELY}"

# Both lines of an entry are written by one statement, so they are of one age.
_SUMS = _both(
    """
    WITH first AS (SELECT * FROM postings WHERE line = 1 AND {recent}),
         second AS (SELECT * FROM postings WHERE line = 2 AND {recent})
    SELECT format('The entry %s moves %s and %s.', coalesce(first.entry, second.entry),
                  coalesce(first.credits::text, 'nothing'),
                  coalesce(second.credits::text, 'nothing'))
    FROM first FULL JOIN second ON second.entry = first.entry
    WHERE first.credits + second.credits IS DISTINCT FROM 0
       OR first.account_id <> second.account_id OR first.kind <> second.kind
       OR first.pocket = second.pocket OR first.job_id IS DISTINCT FROM second.job_id
    """,
    everything={"recent": "true"},
    lately={"recent": _RECENT},
)

_BALANCES = """
SELECT format('The account %s has granted %s, available %s, held %s, used %s; its postings say '
              '%s, %s, %s, %s.', coalesce(a.id, p.account_id), a.granted, a.available, a.held,
              a.used, -p.granted, p.available, p.held, p.used)
FROM accounts a FULL JOIN (
    SELECT account_id,
           coalesce(sum(credits) FILTER (WHERE pocket = 'granted'), 0) AS granted,
           coalesce(sum(credits) FILTER (WHERE pocket = 'available'), 0) AS available,
           coalesce(sum(credits) FILTER (WHERE pocket = 'held'), 0) AS held,
           coalesce(sum(credits) FILTER (WHERE pocket = 'used'), 0) AS used
    FROM postings GROUP BY account_id) AS p ON p.account_id = a.id
WHERE a.granted IS DISTINCT FROM -coalesce(p.granted, 0)
   OR a.available IS DISTINCT FROM coalesce(p.available, 0)
   OR a.held IS DISTINCT FROM coalesce(p.held, 0)
   OR a.used IS DISTINCT FROM coalesce(p.used, 0)
"""

# The newest posting says what is available now.
_BALANCES_LATELY = f"""
SELECT format('The account %s has %s available; its newest posting says %s.', a.id, a.available,
              newest.available_after)
FROM (SELECT DISTINCT account_id FROM postings WHERE {_RECENT}) AS moved
CROSS JOIN LATERAL (SELECT available_after FROM postings
                    WHERE account_id = moved.account_id AND line = 1
                    ORDER BY id DESC LIMIT 1) AS newest
LEFT JOIN accounts a ON a.id = moved.account_id
WHERE a.available IS DISTINCT FROM newest.available_after
"""  # noqa: S608

# Postings are written while their account is locked, so in the order in which it changed: the first
# line of an entry, its second, the first of the next.
_READS_ON = _both(
    """
    SELECT format('The entry %s of account %s leaves %s available, after %s and a change of %s.',
                  entry, account_id, available_after, before, moved)
    FROM (SELECT entry, line, account_id, available_after,
                 lag(available_after) OVER mine AS other_line,
                 lag(available_after, 2, {start}) OVER mine AS before,
                 in_or_out + lag(in_or_out, 1, 0::bigint) OVER mine AS moved
          FROM (SELECT *, CASE pocket WHEN 'available' THEN credits ELSE 0 END AS in_or_out
                FROM postings WHERE {recent}) AS lines
          WINDOW mine AS (PARTITION BY account_id ORDER BY id)) AS lines
    WHERE line = 2 AND (available_after <> before + moved OR available_after <> other_line)
    """,
    everything={"recent": "true", "start": "0::bigint"},
    lately={"recent": _RECENT, "start": "NULL"},
)

_NOT_NEGATIVE = """
SELECT format('The account %s has available %s, held %s, used %s.', id, available, held, used)
FROM accounts WHERE available < 0 OR held < 0 OR used < 0 OR granted <> available + held + used
UNION ALL
SELECT format('The table accounts does not refuse %s any more.', what)
FROM (VALUES ('available >= 0'), ('held >= 0'), ('used >= 0')) AS checks (what)
WHERE NOT EXISTS (SELECT FROM pg_constraint
                  WHERE conrelid = 'accounts'::regclass AND contype = 'c' AND convalidated
                    AND pg_get_constraintdef(oid) = format('CHECK ((%s))', what))
"""

_HELD = """
SELECT format('The account %s has %s held; its open holds are %s.', coalesce(a.id, h.account_id),
              a.held, coalesce(h.credits, 0))
FROM (SELECT id, held FROM accounts WHERE held <> 0) AS a
FULL JOIN (SELECT account_id, sum(credits) AS credits FROM holds
           WHERE ended_at IS NULL GROUP BY account_id) AS h ON h.account_id = a.id
WHERE a.held IS DISTINCT FROM h.credits
"""

_OVERDUE = """
SELECT format('The hold of job %s (%s credits) expired at %s and is still open.', job_id, credits,
              expires_at)
FROM holds WHERE ended_at IS NULL AND expires_at < now() - interval '1 minute'
"""

# What the postings say of each hold. The beginning of one that moved lately may lie
# further back.
_ENDS = _both(
    """
    WITH moved AS (
        SELECT job_id, min(account_id::text)::uuid AS account_id,
               count(*) FILTER (WHERE kind = 'hold') AS holds,
               coalesce(sum(credits) FILTER (WHERE kind = 'hold'), 0) AS held,
               count(*) FILTER (WHERE kind = 'confirm') AS confirms,
               coalesce(-sum(credits) FILTER (WHERE kind = 'confirm'), 0) AS confirmed,
               count(*) FILTER (WHERE kind IN ('release', 'expire')) AS releases,
               coalesce(-sum(credits) FILTER (WHERE kind IN ('release', 'expire')), 0) AS released
        FROM postings WHERE pocket = 'held' AND {recent}
        GROUP BY job_id)
    SELECT format('The hold of job %s: its postings set aside %s (%s times), confirm %s (%s times) '
                  'and release %s (%s times); the hold itself says %s, %s and %s.', job_id,
                  coalesce(moved.held, 0), coalesce(moved.holds, 0),
                  coalesce(moved.confirmed, 0), coalesce(moved.confirms, 0),
                  coalesce(moved.released, 0), coalesce(moved.releases, 0),
                  h.credits, h.confirmed, h.released)
    FROM moved {join} JOIN holds h USING (job_id)
    WHERE h.credits IS NULL
       OR ({whole} AND (moved.holds IS DISTINCT FROM 1 OR moved.held <> h.credits))
       OR coalesce(moved.holds, 0) > 1
       OR coalesce(moved.confirms, 0) <> (coalesce(h.confirmed, 0) > 0)::int
       OR coalesce(moved.confirmed, 0) <> coalesce(h.confirmed, 0)
       OR coalesce(moved.releases, 0) <> (coalesce(h.released, 0) > 0)::int
       OR coalesce(moved.released, 0) <> coalesce(h.released, 0)
       OR moved.account_id <> h.account_id
    """,
    everything={"recent": "true", "join": "FULL", "whole": "true"},
    lately={"recent": _RECENT, "join": "LEFT", "whole": "false"},
)

# A job and its hold end together, for the same price. Jobs that ended before there was a ledger
# have no hold.
_JOBS = _both(
    """
    SELECT format('The job %s is %s and was charged %s; its hold of %s is %s.', j.id, j.status,
                  coalesce(j.charged::text, 'nothing yet'), h.credits,
                  CASE WHEN h.ended_at IS NULL THEN 'open'
                       ELSE format('ended with %s confirmed', h.confirmed) END)
    FROM holds h LEFT JOIN jobs j ON j.id = h.job_id
    WHERE {which}
      AND CASE WHEN j.id IS NULL THEN h.ended_at IS NULL
               WHEN j.finished_at IS NULL THEN h.ended_at IS NOT NULL
               ELSE h.ended_at IS NULL OR j.charged IS DISTINCT FROM h.confirmed
                    OR j.status = 'completed' AND h.confirmed = 0 END
    """,
    everything={"which": "true"},
    lately={
        "which": f"""h.job_id IN (SELECT job_id FROM holds WHERE ended_at IS NULL UNION
                                  SELECT job_id FROM postings WHERE {_RECENT})"""  # noqa: S608
    },
)

_TOO_MUCH = _both(
    """
    SELECT format('Of %s credits held for job %s, %s were confirmed and %s refunded.', h.credits,
                  h.job_id, h.confirmed, coalesce(back.credits, 0))
    FROM holds h {join} JOIN (
        SELECT job_id, -sum(credits) AS credits FROM postings
        WHERE kind = 'refund' AND pocket = 'used' GROUP BY job_id) AS back ON back.job_id = h.job_id
    WHERE h.confirmed > h.credits OR coalesce(back.credits, 0) > coalesce(h.confirmed, 0)
    """,
    everything={"join": "LEFT"},
    lately={"join": "INNER"},
)

_APPEND_ONLY = """
SELECT format('The trigger %s, which refuses changes to postings, is missing or off.', name)
FROM (VALUES ('postings_are_append_only'), ('postings_are_kept')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_trigger
                  WHERE tgrelid = 'postings'::regclass AND tgname = name
                    AND tgfoid = 'refuse_change'::regproc AND tgenabled IN ('O', 'A'))
"""

_COUNTS = """
SELECT format('The account %s counts %s open jobs, %s of them parked; there are %s and %s.',
              coalesce(a.id, j.owner_id), a.open_jobs, a.parked_jobs, coalesce(j.open, 0),
              coalesce(j.parked, 0))
FROM (SELECT * FROM accounts WHERE open_jobs <> 0 OR parked_jobs <> 0) AS a
FULL JOIN (SELECT owner_id, count(*) AS open, count(*) FILTER (WHERE parked) AS parked FROM jobs
           WHERE finished_at IS NULL GROUP BY owner_id) AS j ON j.owner_id = a.id
WHERE a.open_jobs IS DISTINCT FROM j.open OR a.parked_jobs IS DISTINCT FROM j.parked
"""

_WITHOUT_HOLD = _both(
    """
    SELECT format('The job %s costs %s and is %s, but nothing was ever held for it.', id, price,
                  status)
    FROM jobs
    WHERE price > 0 AND {which} AND NOT EXISTS (SELECT FROM holds WHERE job_id = jobs.id)
    """,
    everything={
        "which": """(finished_at IS NULL OR finished_at > (
            SELECT applied_at FROM migrations WHERE name = '0003_credits.sql'))"""
    },
    lately={"which": "finished_at IS NULL"},
)

INVARIANTS: tuple[Invariant, ...] = (
    Invariant("I1", "the postings of an entry sum to zero", *_SUMS),
    Invariant("I2", "an account has what its postings say", _BALANCES, _BALANCES_LATELY),
    Invariant("I3", "nothing available or held is ever below zero", _NOT_NEGATIVE),
    Invariant("I4", "what an account holds is the sum of its open holds", _HELD),
    Invariant("I5", "a hold is open before its expiry, or has ended", _OVERDUE),
    Invariant("I5", "a hold ends once, and its postings say how", *_ENDS),
    Invariant("I6", "a job and its hold end together, for the same price", *_JOBS),
    Invariant("I7", "no more is confirmed than held, or refunded than confirmed", *_TOO_MUCH),
    Invariant("I8", "postings are never changed", _APPEND_ONLY),
    Invariant("I9", "an account counts its open and parked jobs", _COUNTS),
    Invariant("I10", "for every job that costs something credits are held", *_WITHOUT_HOLD),
    Invariant("I11", "what a line says is available follows from the line before", *_READS_ON),
)


def _together(*, lately: bool) -> str:
    """All checks as one statement: one statement sees one moment, whatever is written meanwhile."""
    parts = []
    for one in INVARIANTS:
        sql = (one.sql_lately or one.sql) if lately else one.sql
        # Materialized, so that it is planned to read all rows: a plan that finds the first ones
        # soon would be slow to find out that there are none.
        parts.append(f"""
            (WITH found (sentence) AS MATERIALIZED ({sql})
             SELECT '{one.name}' AS name, sentence FROM found LIMIT {_ROWS_MAX})""")  # noqa: S608
    return " UNION ALL ".join(parts)


EVERYTHING = _together(lately=False)
MOVED_LATELY = _together(lately=True)


async def check(database: Database, *, lately: bool = False) -> list[Violation]:
    """Everything that is wrong, or the first of it. lately: a cheap look at what is open and at
    what moved in the last minutes.

    A full look takes about three seconds for a million postings, the cheap one a tenth.
    """
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = '{_TIMEOUT_S}s'")
        rows = await connection.fetch(MOVED_LATELY if lately else EVERYTHING, timeout=_TIMEOUT_S)
    return [Violation(row["name"], row["sentence"]) for row in rows]
