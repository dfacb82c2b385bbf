"""What services say of the objects in a bucket, each in its own words."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def agrees(info: Mapping[str, Any], data: bytes) -> bool:
    """Say whether an object that is as long as `data` is that, by its MD5 where its service keeps one."""
    told = [md5 for md5 in _md5s(info) if md5]
    return not told or hashlib.md5(data, usedforsecurity=False).digest() in told


def _md5s(info: Mapping[str, Any]) -> list[bytes]:
    """Return the checksums that S3, Google Cloud Storage and Azure keep, each in its own way."""
    etag = str(info.get("ETag") or "").strip('"')
    settings = info.get("content_settings") or {}
    return [
        bytes.fromhex(etag) if len(etag) == 32 and "-" not in etag else b"",  # noqa: PLR2004 - an MD5 in hex
        base64.b64decode(info.get("md5Hash") or ""),
        bytes(settings.get("content_md5") or b""),
    ]


def since(info: Mapping[str, Any]) -> datetime | None:
    """Return when an object was written, as S3, Google Cloud Storage and Azure say it."""
    told = info.get("LastModified") or info.get("mtime") or info.get("last_modified")
    if not isinstance(told, datetime):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
