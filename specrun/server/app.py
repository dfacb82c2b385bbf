"""The images API as an ASGI app: for a port, or in-process through `httpx.ASGITransport`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from specrun.catalog.models import Catalog
from specrun.server.access import Access
from specrun.server.access_log import AccessLog
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import Engine
from specrun.server.errors import ApiError, answer_api_error, answer_failure, answer_http_exception
from specrun.server.generations import Generations
from specrun.server.health import health
from specrun.server.listing import model_entry, model_list
from specrun.server.making import Maker
from specrun.server.meter import Meter
from specrun.server.openapi import openapi
from specrun.server.page import page_routes
from specrun.server.request_id import RequestIds
from specrun.server.results import Results
from specrun.server.serving import result_response
from specrun.server.settings import Settings


def create_app(catalog: Catalog, engine: Engine | None = None, settings: Settings | None = None) -> Starlette:
    """Return the app for a catalogue's models; without an engine it draws.

    Where no server runs the app's lifespan, as in-process, the engine's threads and processes end with the program.
    """
    settings = settings or Settings()
    engine = engine or DrawingEngine()
    results = Results(limit=settings.results_bytes, ttl=settings.url_ttl, folder=settings.results)
    meter = Meter()
    maker = Maker(engine=engine, results=results, meter=meter, settings=settings)
    generations = Generations(catalog=catalog, maker=maker, settings=settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await engine.aclose()

    async def models(_request: Request) -> Response:
        return JSONResponse(model_list(catalog))

    async def model(request: Request) -> Response:
        return JSONResponse(model_entry(catalog, request.path_params["model"]))

    async def result(request: Request) -> Response:
        return result_response(request, results)

    async def well(_request: Request) -> Response:
        return JSONResponse(health(engine, meter))

    async def description(_request: Request) -> Response:
        return JSONResponse(openapi(catalog, keyed=settings.api_key is not None))

    middleware = [Middleware(RequestIds), Middleware(Access, settings=settings)]
    if settings.logs:
        middleware.insert(1, Middleware(AccessLog, stream=sys.stderr))
    return Starlette(
        routes=[
            Route("/v1/images/generations", generations.answer, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{model:path}", model),
            Route("/v1/results/{name}", result, name="result"),
            Route("/healthz", well),
            Route("/openapi.json", description),
            *page_routes(),
        ],
        middleware=middleware,
        exception_handlers={
            ApiError: answer_api_error,
            HTTPException: answer_http_exception,
            Exception: answer_failure,
        },
        lifespan=lifespan,
    )
