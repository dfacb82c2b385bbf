"""Result files over HTTP: ranges, caches, expiry."""

import re
import time
from email.utils import formatdate
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from specrun.server.errors import ApiError
from specrun.server.results import Results

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def result_response(request: Request, results: Results) -> Response:
    """Answer with a result file, or the part of it that a Range header asks for; `ApiError` 404 where it is gone."""
    name = request.path_params["name"]
    result = results.get(name)
    if result is None:
        raise ApiError("there is no such image, or its time is over", status=HTTPStatus.NOT_FOUND, code="not_found")
    etag = f'"{name.partition(".")[0]}"'
    headers = {
        "accept-ranges": "bytes",
        "cache-control": f"private, max-age={max(0, int(result.expires - time.time()))}, immutable",
        "content-security-policy": "default-src 'none'; sandbox",
        "etag": etag,
        "expires": formatdate(result.expires, usegmt=True),
        "x-content-type-options": "nosniff",
    }
    if _known(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    size = len(result.data)
    wanted = _wanted(request, etag, size)
    if wanted is None:
        return Response(result.data, media_type=result.media_type, headers=headers)
    if not wanted:
        headers["content-range"] = f"bytes */{size}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    headers["content-range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    part = result.data[wanted.start : wanted.stop]
    return Response(part, status_code=HTTPStatus.PARTIAL_CONTENT, media_type=result.media_type, headers=headers)


def _known(header: str, etag: str) -> bool:
    """Say whether an If-None-Match header names the file; caches may list several, and weaken them on their way."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return etag in tags or "*" in tags


def _wanted(request: Request, etag: str, size: int) -> range | None:
    """Return the bytes asked for, empty where there are none such; None for the whole file."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or match[0] == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return None  # several ranges may be answered with the whole
    first, last = match[1], match[2]
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(size, int(last) + 1) if last else size)
