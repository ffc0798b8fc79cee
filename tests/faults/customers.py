"""Careful customers: each order has a key, and is repeated with it until there is an answer.

What they were promised is what the checks go by: an order answered with 202 must be carried out,
once, and one that was refused must not be.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx2

from tests.faults.schedule import Order

PATIENCE_S = 120.0


@dataclass
class Customers:
    """All users of a run, at one or several servers.

    accepted: key → the job's id, of every order that was answered with 202. refused: key → status
    of those that were refused for good. Both are the answers of a server, not our expectations.
    """

    urls: list[str]
    accepted: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)  # 0: no answer at all
    wrong: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    async def place_all(self, orders: list[Order], users: list[UUID]) -> None:
        """Each order when its time has come."""
        begin = asyncio.get_running_loop().time()
        limits = httpx2.Limits(max_connections=64, keepalive_expiry=2.0)
        async with httpx2.AsyncClient(timeout=30, trust_env=False, limits=limits) as client:

            async def place_later(order: Order) -> None:
                await asyncio.sleep(begin + order.at_s - asyncio.get_running_loop().time())
                await self.place(client, order, users[order.user])

            await asyncio.gather(*(place_later(order) for order in orders))

    async def place(self, client: httpx2.AsyncClient, order: Order, user: UUID) -> None:
        headers = {"x-lab-user": str(user), "idempotency-key": order.key}
        if order.running_max:
            headers["x-lab-running-max"] = str(order.running_max)
        answer = await self._insist(client, "POST", "/api/jobs", headers, json=order.body)
        if answer is None:
            self.wrong.append(f"{order.key}: no answer within {PATIENCE_S:.0f} s")
        elif answer.status_code == 202:
            self.accepted[order.key] = answer.json()["id"]
            if order.cancel_after_s is not None:
                await asyncio.sleep(order.cancel_after_s)
                await self._insist(client, "DELETE", f"/api/jobs/{answer.json()['id']}", headers)
        else:
            self.refused[order.key] = answer.status_code
            if answer.status_code != 402:
                self.wrong.append(f"{order.key}: {answer.status_code} {answer.text[:500]}")

    async def _insist(
        self,
        client: httpx2.AsyncClient,
        method: str,
        path: str,
        headers: dict[str, str],
        **content: Any,
    ) -> httpx2.Response | None:
        """The first answer that is not "come again later". None: there was none for very long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while loop.time() < deadline:
            url = random.choice(self.urls)
            begin = loop.time()
            try:
                answer = await client.request(method, url + path, headers=headers, **content)
            except httpx2.HTTPError:
                self.answers[0] += 1
                await asyncio.sleep(random.uniform(0.05, 0.3))
                continue
            self.answers[answer.status_code] += 1
            self.latencies.append(loop.time() - begin)
            if answer.status_code == 500:
                self.wrong.append(f"{method} {path}: {answer.text[:500]}")
            if answer.status_code not in (429, 503):
                return answer
            if not int(answer.headers.get("retry-after", "0")) >= 1:
                self.wrong.append(f"{method} {path}: {answer.status_code} without Retry-After")
            await asyncio.sleep(random.uniform(0.1, 0.6))  # they ask for more; we are pressing
        return None


async def open_accounts(
    database_url: str,
    users: list[UUID],
    *,
    budget: dict[int, int] | int | None = None,
    running_max: int | None = None,
) -> None:
    """An account for each. budget: granted to all, or to user number n; None: without limit."""
    connection = await asyncpg.connect(database_url)
    try:
        for number, user in enumerate(users):
            amount = budget.get(number) if isinstance(budget, dict) else budget
            await connection.execute(
                "INSERT INTO users (id, name) VALUES ($1, $2)", user, f"user {number}"
            )
            await connection.execute(
                """INSERT INTO accounts (id, unlimited, granted, available, running_max)
                   VALUES ($1, $2::bigint IS NULL, coalesce($2, 0), coalesce($2, 0), $3)""",
                user,
                amount,
                running_max,
            )
            if amount:
                await connection.execute(
                    """INSERT INTO postings (entry, line, account_id, pocket, credits, kind,
                                             available_after)
                       VALUES ($1, 1, $2, 'available', $3, 'grant', $3),
                              ($1, 2, $2, 'granted', -$3, 'grant', $3)""",
                    f"grant:start {user}",
                    user,
                    amount,
                )
    finally:
        await connection.close()


def picture(number: int = 0, **order: Any) -> dict[str, Any]:
    """The body of an order for one small picture."""
    small = {"width": 64, "height": 64}
    return {
        "prompt": f"heron {number}",
        "model": "snap",
        "reuse": "never",
        "parameters": small,
    } | order


@contextlib.asynccontextmanager
async def open_clients(
    urls: list[str], connections: int
) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """A client for each server, which share that many connections."""
    # No connection is kept for as long as a server keeps it: it would be cut in the client's hands.
    limits = httpx2.Limits(max_connections=-(-connections // len(urls)), keepalive_expiry=2.0)
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits)
            )
            for url in urls
        ]


async def submit(
    client: httpx2.AsyncClient,
    user: UUID,
    body: dict[str, Any],
    key: str | None = None,
    **more: str,
) -> httpx2.Response:
    headers = {"x-lab-user": str(user)} | ({"idempotency-key": key} if key else {}) | more
    return await client.post("/api/jobs", json=body, headers=headers)
