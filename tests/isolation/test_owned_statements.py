"""The owner is part of every query: looked up in the source, statement by statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import asyncpg
import pytest

from tests.isolation.source import Source, Statement

SOURCE = Source()

# Rooms hand doors these when they are built: callables that the source does not show as calls.
HANDED_OVER = {("wiring", "_access")}

_WORKER = "a worker's, fenced by the attempt; in reach because others can `write` and `note` too"

# Statements that requests of users can reach and that do not name the owner, each with its reason.
# A new one belongs here only if it may see everybody's.
NOT_BY_OWNER = {
    "accounts/codes.py": "the code of an invite or a reset is the permission",
    "accounts/joining.py": "registers and logs in: who it is, is found out here",
    "accounts/leaving.py": "whoever deletes or exports himself (`caller.owner_id`); operators",
    "accounts/logins.py": "the session that was shown is the proof; begun for who was let in",
    "accounts/oidc_transactions.py": "a login under way, by the cookie of the browser it began in",
    "accounts/users.py": "a user who registers, or who is named by whoever logs in",
    "credits/accounts.py:set_closed": "closes the account of whoever deletes himself",
    "jobs/endings.py:_end": "ends the jobs that the statement before has locked: one of a named "
    "owner, those of whoever deletes himself, and those past their deadline",
    "jobs/farewell.py:cancel_jobs_of": "looks whether all of them have ended",
    "accounts/keys.py:Keyring._look_up": "finds out who asks: the key that was shown is the proof",
    "credits/accounts.py:open_account": "writes an empty account for the visitor who orders",
    "credits/grants.py:grant": "gives the visitor who orders his address's allowance; `account_id` "
    "may be anybody's, because operators call it too, and `access.py` passes the caller",
    "credits/grants.py:_read": "whether a grant's reference was used: an answer to operators only, "
    "and a visitor's reference is a new id",
    "jobs/assets.py:media_facts": "a signed link is the permission, whoever follows it",
    "jobs/attempts.py:start_attempts": _WORKER,
    "jobs/attempts.py:note": _WORKER,
    "jobs/attempts.py:deliver": _WORKER,
    "jobs/intake.py:_insert": "each order carries its owner (`Order.owner_id: OwnerId`), and every "
    "table in the statement is joined on `ordered.owner_id`",
    "jobs/overview.py:Ends._go_on": "metrics: how many jobs ended, never whose or which",
    "jobs/overview.py:dead_letters_open": "metrics: how many letters are open",
    "jobs/stats.py:speeds": "how fast a model is: medians over everybody's jobs",
    "jobs/waiting.py:Forecast.standing": "places in the queue, which others are part of; the jobs "
    "asked about were read by their owner before, and `board.py` compares him again",
}

# Who makes an OwnerId, and out of what. Everybody else is handed one.
MAKE_OWNERS = {
    "values/ids.py": "LOCAL_OWNER, and `acting_for` itself",
    "http/access.py": "a visitor nobody has seen before: a new id, whose things are none",
    "accounts/visitors.py": "a visitor's cookie, whose signature was checked",
}
ACT_FOR_OTHERS = {
    "accounts/keys.py": "whoever holds the key that was shown",
    "accounts/logins.py": "whoever has the session that was shown",
    "cli/database.py": "the operator at this machine exports what is a user's",
    "http/farewell.py": "an administrator exports what is a user's",
    "jobs/attempts.py": "a worker: the owner of the job it was given",
    "jobs/turns.py": "the sweep of forgotten turns",
    "jobs/endings.py": "the sweep of jobs past their deadline",
    "jobs/dead_letters.py": "an operator looks at a letter or replays it, in its owner's name",
    "http/credits.py": "an administrator changes an account",
    "cli/keys.py": "the operator at this machine makes and lists a user's keys",
}
OWNER = ("owner_id", "account_id", "user_id")


def roots() -> set[tuple[str, str]]:
    """What users' requests call: every route that is not for administrators alone."""
    return {(module, name) for module, name, is_admin in SOURCE.routes() if not is_admin}


@pytest.fixture(scope="module")
def reached() -> set[tuple[str, str]]:
    return SOURCE.reached(roots() | HANDED_OVER)


@pytest.fixture
async def owned_tables(database_url: str) -> set[str]:
    """Tables whose rows are somebody's, as the database has them: a new one is looked at too."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        """SELECT DISTINCT table_name FROM information_schema.columns
           WHERE table_schema = 'public'
             AND column_name IN ('owner_id', 'account_id', 'user_id', 'job_id', 'asset_id')"""
    )
    await connection.close()
    return {row["table_name"] for row in rows} | {"users", "accounts", "jobs"}


def on_owned(reached: set[tuple[str, str]], owned: set[str]) -> Iterator[Statement]:
    touches = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+({'|'.join(owned)})\b")
    for module, name in sorted(reached):
        for statement in SOURCE.statements(module, name):
            if touches.search(statement.sql):
                yield statement


def parts(place: str) -> tuple[str, str]:
    """The place, and its file: a whole file may be listed."""
    return place, place.partition(":")[0]


def names_the_owner(statement: Statement) -> bool:
    """Whether it compares an owner's column (or the id of a user or account) with a value that is
    an owner, or writes rows that carry one."""
    columns = "|".join(OWNER)
    compared = re.findall(rf"\b(?:{columns})\s*=\s*\$(\d+)", statement.sql)
    compared += re.findall(
        r"\b(?:accounts|users)\b[^$]*?\b(?:accounts\.|users\.)?id = \$(\d+)", statement.sql
    )
    written = re.search(
        rf"INSERT INTO \w+ \(([^)]*\b(?:{columns})\b|id\))[^)]*", statement.sql
    ) and re.search(r"\bVALUES\b", statement.sql)
    if written:
        return any(told and is_owner(told, statement) for told in statement.told)
    return any(is_owner(_told(statement, int(number)), statement) for number in compared)


def _told(statement: Statement, number: int) -> str | None:
    before = statement.told[:number]
    if None in before:
        return "owner_id" if number == 1 and before == (None,) else None
    return before[-1] if len(before) == number else None


def is_owner(told: str | None, statement: Statement) -> bool:
    """`owner_id`, `order.owner_id`, …; a parameter must be typed as one."""
    if told is None or told.rpartition(".")[2] not in (*OWNER, "visitor", "account"):
        return False
    return statement.typed.get(told, "OwnerId") == "OwnerId"


async def test_every_statement_a_user_can_reach_names_its_owner(
    reached: set[tuple[str, str]], owned_tables: set[str]
) -> None:
    statements = list(on_owned(reached, owned_tables))
    without = {one.place: one.sql for one in statements if not names_the_owner(one)}

    new = {
        place: sql for place, sql in without.items() if NOT_BY_OWNER.keys().isdisjoint(parts(place))
    }
    assert not new, "\n\n".join(
        f"{place} reads or writes what is somebody's without naming the owner. Add "
        f"`owner_id = $n` with an OwnerId, or say in NOT_BY_OWNER why not:\n{sql.strip()[:600]}"
        for place, sql in new.items()
    )
    found = {part for place in without for part in parts(place)}
    assert set(NOT_BY_OWNER) <= found, "these name their owner by now, or are gone"
    assert len(statements) - len(without) >= 25, "the look at the source has become blind"


def calls(word: str) -> dict[str, list[str]]:
    """File: the functions in it that call this."""
    found: dict[str, list[str]] = {}
    for module in SOURCE.modules.values():
        for name, node in module.nodes.items():
            for part in ast.walk(node):
                if isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] == word:
                    found.setdefault(module.path, []).append(name)
    return found


def test_an_owner_is_made_only_where_somebody_found_out_who_asks() -> None:
    made, acted_for = calls("OwnerId"), calls("acting_for")

    strangers = {path: names for path, names in made.items() if path not in MAKE_OWNERS}
    assert not strangers, f"{strangers} make an OwnerId; take the caller's, or `acting_for`"
    strangers = {path: names for path, names in acted_for.items() if path not in ACT_FOR_OTHERS}
    assert not strangers, f"{strangers} act for others; say why in ACT_FOR_OTHERS, or do not"


def test_no_route_of_users_acts_for_others() -> None:
    for_admins = {(module, name) for module, name, is_admin in SOURCE.routes() if is_admin}
    in_doors = {
        (path.removesuffix(".py").replace("/", "."), name)
        for path, names in calls("acting_for").items()
        if path.startswith("http/")
        for name in names
    }

    assert in_doors <= for_admins, "only an administrator's route may choose whose things it means"


def test_no_door_for_users_takes_an_owner_out_of_a_row(reached: set[tuple[str, str]]) -> None:
    """A row's column has no type, so the type checker would let it pass."""
    taken = {
        f"{module}.{name}: {ast.unparse(part)}"
        for module, name in reached
        if module.startswith("http.")
        for part in ast.walk(SOURCE.modules[module].nodes[name])
        if isinstance(part, ast.Subscript)
        and isinstance(part.slice, ast.Constant)
        and part.slice.value in OWNER
    }

    assert not taken, "take caller.owner_id instead"
