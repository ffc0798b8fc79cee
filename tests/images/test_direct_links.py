"""Links that Google's and Azure's storage will be asked to believe: signed here, without a word to
them, so the signature can be checked as they say they check it. S3 has a server in other tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from safelight.images.store import DIRECT_LINK_S, DirectLinks, ObjectPictureStore

KEY = "0f/018f/original.png"


async def links(url: str, folder: Path) -> DirectLinks:
    return await DirectLinks.over(ObjectPictureStore.open(url, folder))


async def test_google_s_signature_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """V4 signing: cloud.google.com/storage/docs/authentication/canonical-requests"""
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "safelight@here.example",
        "private_key": pem.decode(),
        "private_key_id": "1",
    }
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    direct = await links("gs://pictures", tmp_path)

    link = urlsplit(await direct.to(KEY))

    query = dict(parse_qsl(link.query))
    assert direct.origins == ("https://storage.googleapis.com",)
    assert link.path == f"/pictures/{KEY}"
    assert query["X-Goog-Expires"] == str(DIRECT_LINK_S)
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="")
    canonical = f"GET\n{link.path}\n{asked}\nhost:{link.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    scope = query["X-Goog-Credential"].partition("/")[2]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signed = f"GOOG4-RSA-SHA256\n{query['X-Goog-Date']}\n{scope}\n{digest}"
    private.public_key().verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_azure_s_signature_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service SAS: learn.microsoft.com/rest/api/storageservices/create-service-sas"""
    secret = b"a secret of thirty-two bytes....".ljust(64, b".")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "safelight")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(secret).decode())
    direct = await links("az://pictures", tmp_path)

    link = urlsplit(await direct.to(KEY))

    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert direct.origins == ("https://safelight.blob.core.windows.net",)
    assert link.path == f"/pictures/{KEY}"
    assert (query["sp"], query["sr"]) == ("r", "b"), "it may be read, and nothing else"
    begin, end = (datetime.fromisoformat(query[name]) for name in ("st", "se"))
    assert (end - begin).total_seconds() == DIRECT_LINK_S
    given = [query.get(name, "") for name in ("sp", "st", "se")]
    given.append(f"/blob/safelight{link.path}")
    given += [query.get(name, "") for name in ("si", "sip", "spr", "sv", "sr")]
    given += [""] * 7  # snapshot, encryption scope, headers of the answer
    expected = hmac.new(secret, "\n".join(given).encode(), hashlib.sha256).digest()
    assert base64.b64decode(query["sig"]) == expected
