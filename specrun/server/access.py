"""Who may ask: the names a server goes by, and the key it wants to see."""

import hmac
from http import HTTPStatus
from ipaddress import ip_address

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from specrun.server.errors import ApiError, answer_api_error
from specrun.server.settings import Settings

# Result files are reached by knowing their names, as on a CDN.
_KEYED, _OPEN = "/v1/", "/v1/results/"


class Access:
    """ASGI middleware that turns away foreign Host headers (DNS rebinding) and requests without the key."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts
        self._addresses = settings.addresses
        self._key = None if settings.api_key is None else settings.api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "http":
            request = Request(scope)
            try:
                self._check(request)
            except ApiError as error:
                response = await answer_api_error(request, error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        host = host_name(request.headers.get("host", ""))
        if self._hosts is not None and host not in self._hosts and not (self._addresses and _is_address(host)):
            raise ApiError(
                f'this server is not called "{host[:80]}"; allow the name with --allow-host',
                status=HTTPStatus.FORBIDDEN,
                type_="permission_error",
                code="forbidden",
            )
        path = request.scope["path"]
        if self._key is not None and path.startswith(_KEYED) and not path.startswith(_OPEN):
            self._check_key(request, self._key)

    def _check_key(self, request: Request, key: bytes) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), key):
            raise ApiError(
                "the API key is missing or wrong; send it as Authorization: Bearer <key>",
                status=HTTPStatus.UNAUTHORIZED,
                type_="auth_error",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def host_name(header: str) -> str:
    """Return a Host header's name without the port, in lower case."""
    if header.startswith("["):
        return header.partition("]")[0].lstrip("[").lower()
    return header.partition(":")[0].lower().rstrip(".")
