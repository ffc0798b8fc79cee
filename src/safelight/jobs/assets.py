"""The gallery's pictures: pages, a star, tags, and a delete that can be undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from safelight.database.pool import Database, Row
from safelight.jobs.listing import (
    Page,
    Where,
    count_and_read,
    first_id_at,
    page_of,
    read_cursor,
    words_query,
)
from safelight.values.ids import OwnerId

SHOWN = """j.id, j.kind, j.job_id, j.index, j.width, j.height, j.format, j.bytes, j.thumbhash,
            j.seed, j.prompt, j.model, j.starred, j.tags, j.created_at, j.deleted_at"""


async def list_assets(
    database: Database,
    owner_id: OwnerId,
    *,
    kind: Literal["image", "upload"] = "image",
    q: str | None = None,
    model: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    starred: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of the owner's pictures, newest first. Raises: InvalidRequest (cursor)."""
    where = Where(owner_id)
    # Written out, not as a value: it is the condition of an index.
    where.add(f"j.kind = '{kind}' AND j.deleted_at IS NULL AND {{}}", True)
    where.add("j.model = {}", model)
    where.add("j.starred = {}", starred)
    where.add("j.id >= {}", first_id_at(since))
    where.add("j.id < {}", first_id_at(until))
    start = read_cursor(cursor)

    async def rows(matching: Where) -> list[Row]:
        matching.add("j.id < {}", start)
        return await database.fetch(
            f"""SELECT {SHOWN} FROM assets j WHERE j.owner_id = $1{matching.sql}
                ORDER BY j.id DESC LIMIT {limit + 1:d}""",  # noqa: S608
            *matching.values,
        )

    total, found = await count_and_read(database, "assets", where, words_query(q), rows)
    return page_of(found, limit, total)


async def read_asset(database: Database, owner_id: OwnerId, asset_id: UUID) -> Row | None:
    """A picture, a deleted one too while that can be undone."""
    return await database.fetchrow(
        f"""SELECT {SHOWN} FROM assets j
            WHERE j.id = $1 AND j.owner_id = $2 AND purging_since IS NULL""",  # noqa: S608
        asset_id,
        owner_id,
    )


async def read_relatives(
    database: Database, owner_id: OwnerId, asset_id: UUID
) -> tuple[list[UUID], list[UUID]]:
    """What the picture was made from, and what was made from it (newest first, at most 200)."""
    row = await database.fetchrow(
        """SELECT ARRAY(SELECT parent.id FROM assets own
                        JOIN sources s ON s.job_id = own.job_id AND s.place >= 0
                        JOIN assets parent ON parent.id = s.asset_id
                        WHERE own.id = $1 AND own.owner_id = $2 AND parent.owner_id = $2
                          AND parent.deleted_at IS NULL ORDER BY s.place) AS parents,
                  ARRAY(SELECT child.id FROM sources s
                        JOIN outputs o ON o.job_id = s.job_id
                        JOIN assets child ON child.id = o.asset_id
                        WHERE s.asset_id = $1 AND s.place >= 0 AND child.owner_id = $2
                          AND child.deleted_at IS NULL
                        GROUP BY child.id ORDER BY child.id DESC LIMIT 200) AS children""",
        asset_id,
        owner_id,
    )
    return (row["parents"], row["children"]) if row else ([], [])


async def change_asset(
    database: Database, owner_id: OwnerId, asset_id: UUID, changes: dict[str, Any]
) -> Row | None:
    """Set the star or the tags; what is not in `changes` stays."""
    return await database.fetchrow(
        f"""UPDATE assets j SET starred = coalesce($3, starred), tags = coalesce($4, tags)
            WHERE j.id = $1 AND j.owner_id = $2 AND deleted_at IS NULL
            RETURNING {SHOWN}""",  # noqa: S608
        asset_id,
        owner_id,
        changes.get("starred"),
        changes.get("tags"),
    )


async def set_deleted(
    database: Database, owner_id: OwnerId, asset_id: UUID, *, deleted: bool
) -> Row | None:
    """Delete softly, or take it back while that is possible. Both may be repeated."""
    return await database.fetchrow(
        f"""UPDATE assets j SET deleted_at = CASE WHEN $3 THEN coalesce(deleted_at, now()) END
            WHERE j.id = $1 AND j.owner_id = $2 AND purging_since IS NULL
            RETURNING {SHOWN}""",  # noqa: S608
        asset_id,
        owner_id,
        deleted,
    )


async def media_facts(database: Database, asset_id: UUID) -> Row | None:
    """What serving the bytes needs. Not by owner: the signature in the link is the permission,
    and a deleted picture, or one whose owner was deleted, has no link that works."""
    return await database.fetchrow(
        """SELECT format, bytes, sha256 FROM assets
           WHERE id = $1 AND deleted_at IS NULL
             AND NOT EXISTS (SELECT FROM accounts
                             WHERE accounts.id = owner_id AND closed_at IS NOT NULL)""",
        asset_id,
    )
