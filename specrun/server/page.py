"""`/`: a page to look through the catalogue and try a prompt."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}

# Everything comes from this server and nothing is inline, so that no text from a prompt or a model can run.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page_routes() -> list[Route]:
    """Return the routes of the page and its parts."""
    return [Route("/", _part("page.html")), *(Route(f"/{name}", _part(name)) for name in ("page.css", "page.js"))]


def _part(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = (files("specrun.server") / "page" / name).read_bytes()

    async def part(_request: Request) -> Response:
        return Response(content, media_type=_MEDIA_TYPES[name], headers=_HEADERS)

    return part
