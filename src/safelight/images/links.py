"""Signed links to stored pictures: the signature is the permission, and it expires.

/media/{asset}/{what}?exp={unix seconds}&sig={43 characters}, `what` being original.png or
320.webp. The signature is HMAC-SHA256 over the path and the time.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from safelight.values.images import FILE_ENDINGS, ImageFormat

# Links made within the same five minutes are the same, so that a browser's cache finds them again.
_ROUND_S = 300


class Links:
    """Makes and checks links; the key never leaves it."""

    def __init__(self, secret: bytes, lifetime_s: int, previous: bytes | None = None) -> None:
        """previous: the secret before, whose links are accepted too and never made."""
        # A key of its own for this purpose: a signature here can never pass for another kind.
        self._keys = [
            hmac.digest(each, b"safelight media links 1", "sha256")
            for each in (secret, previous)
            if each is not None
        ]
        self._lifetime_s = lifetime_s

    def original(self, asset_id: UUID | str, image_format: str) -> str:
        ending = FILE_ENDINGS[_known(image_format)]
        return self._sign(f"/media/{asset_id}/original.{ending}")

    def preview(self, asset_id: UUID | str, side: int) -> str:
        return self._sign(f"/media/{asset_id}/{side}.webp")

    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self._expiry(), UTC)

    def check(self, path: str, expires: str, signature: str) -> Literal["ok", "expired", "wrong"]:
        """Whether the link is one of ours and still valid."""
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 12):
            return "wrong"
        if expires != str(int(expires)):  # 0123 would be a second link with the same signature
            return "wrong"
        given = signature.encode()
        if not any(
            hmac.compare_digest(_signature(key, path, int(expires)), given) for key in self._keys
        ):
            return "wrong"
        return "ok" if int(expires) > time.time() else "expired"

    def _expiry(self) -> int:
        step = min(_ROUND_S, self._lifetime_s // 2)
        return int((time.time() + self._lifetime_s) // step * step)

    def _sign(self, path: str) -> str:
        expires = self._expiry()
        signature = _signature(self._keys[0], path, expires)
        return f"{path}?exp={expires}&sig={signature.decode()}"


def _signature(key: bytes, path: str, expires: int) -> bytes:
    digest = hmac.digest(key, f"{path}?{expires}".encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=")


def _known(image_format: str) -> ImageFormat:
    match image_format:
        case "png" | "jpeg" | "webp":
            return image_format
    raise ValueError(f"not a kept format: {image_format}")
