"""Errors as the API states them: `{"error": {message, type, code, param}}`, where `param` is the request's id."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class ApiError(Exception):
    """A request that is answered with an error; nothing is billed for it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        type_: str = "invalid_request_error",
        code: str = "param_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type_
        self.code = code
        self.headers = dict(headers or {})


def error_document(message: str, type_: str, code: str, request_id: str) -> dict[str, Any]:
    """Return the JSON of an error; half a surrogate pair, which a request can hold and no answer can, becomes `?`."""
    message = message.encode(errors="replace").decode()
    return {"error": {"message": message, "type": type_, "code": code, "param": request_id}}


async def answer_api_error(request: Request, error: Exception) -> Response:
    """Answer with an `ApiError`."""
    assert isinstance(error, ApiError)  # noqa: S101 - starlette hands each handler its own class
    document = error_document(error.message, error.type, error.code, request_id(request))
    return JSONResponse(document, status_code=error.status, headers=error.headers)


def request_id(request: Request) -> str:
    """Return the id that the request was given on arrival."""
    found = request.scope.get("specrun.request_id")
    return found if isinstance(found, str) else ""


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer where no endpoint is concerned: unknown paths, wrong methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette hands each handler its own class
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    message = f"{phrase}: {request.method} {request.url.path}"
    document = error_document(message, "invalid_request_error", code, request_id(request))
    return JSONResponse(document, status_code=error.status_code, headers=error.headers)


async def answer_failure(request: Request, _error: Exception) -> Response:
    """Answer for a failure of the server itself; the log tells what it was."""
    name = request_id(request)
    document = error_document("the server failed; nothing was billed", "internal_error", "internal_error", name)
    # This answer is given outside of the middleware that names requests.
    return JSONResponse(document, status_code=HTTPStatus.INTERNAL_SERVER_ERROR, headers={"x-request-id": name})
