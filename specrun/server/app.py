"""The images API as an ASGI app: for a port, or in-process through `httpx.ASGITransport`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from specrun.catalog.models import Catalog
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import Engine
from specrun.server.errors import ApiError, answer_api_error, error_document, request_id
from specrun.server.generations import Generations
from specrun.server.meter import Meter
from specrun.server.request_id import RequestIds
from specrun.server.results import Results
from specrun.server.settings import Settings


def create_app(catalog: Catalog, engine: Engine | None = None, settings: Settings | None = None) -> Starlette:
    """Return the app for a catalogue's models; without an engine it draws.

    Where no server runs the app's lifespan, as in-process, the engine's threads end with the program.
    """
    settings = settings or Settings()
    engine = engine or DrawingEngine()
    results = Results(limit=settings.results_bytes, ttl=settings.url_ttl, folder=settings.results)
    meter = Meter()
    generations = Generations(catalog=catalog, engine=engine, results=results, meter=meter, settings=settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await engine.aclose()

    async def result(request: Request) -> Response:
        found = results.get(request.path_params["name"])
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        expires = format_datetime(datetime.fromtimestamp(found.expires, UTC), usegmt=True)
        return Response(found.data, media_type=found.media_type, headers={"expires": expires})

    return Starlette(
        routes=[
            Route("/v1/images/generations", generations.answer, methods=["POST"], name="generations"),
            Route("/v1/results/{name}", result, name="result"),
        ],
        middleware=[Middleware(RequestIds)],
        exception_handlers={ApiError: answer_api_error, HTTPException: _answer_http_exception},
        lifespan=lifespan,
    )


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette hands each handler its own class
    phrase = HTTPStatus(error.status_code).phrase
    document = error_document(
        f"{phrase}: {request.method} {request.url.path}", "invalid_request_error", "not_found", request_id(request)
    )
    return JSONResponse(document, status_code=error.status_code, headers=error.headers)
