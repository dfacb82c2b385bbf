"""`specrun serve`: the images API on a port."""

import errno
import math
import os
import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from specrun.catalog.models import Catalog
from specrun.cli.catalogue import catalog_here
from specrun.cli.console import note
from specrun.cli.examples import examples
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError
from specrun.server.access import host_name
from specrun.server.app import create_app
from specrun.server.chaos_file import load_chaos
from specrun.server.diffusion.weights import load_weights
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import Engine
from specrun.server.running import listen, run
from specrun.server.settings import MEBIBYTE, Settings
from specrun.urls import is_loopback

EPILOG = examples(
    ("specrun serve", "try requests at http://127.0.0.1:8300"),
    ("specrun serve --port 0 --latency 1-3", "as slow as the real thing, on any free port"),
    ("specrun serve --chaos trouble.yaml", "rehearse what can go wrong"),
    ("specrun serve --host 0.0.0.0 --api-key-env KEY", "for others, who need the key"),
    ("specrun serve --engine diffusers --weights gpu.yaml", "real images, from weights of your own"),
)

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_LONGEST = 10 * 365 * 86400.0  # dates in headers end with the year 9999
_FROM_TO = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:-([0-9]+(?:\.[0-9]+)?))?")


def _seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Read seconds, or a number with s, m, h or d."""
    match = _DURATION.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no duration; write 90, 90s, 15m, 12h or 7d", context, parameter)
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise click.BadParameter(f"{value!r} is longer than ten years", context, parameter)
    return seconds


def _host(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Read an address; an empty one, as of an unset variable, would be every address of this machine."""
    if not value.strip():
        raise click.BadParameter("it is empty; 0.0.0.0 is every address of this machine", context, parameter)
    return value.strip()


def _wait(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, float]:
    """Read seconds, or the shortest and the longest with a dash between."""
    match = _FROM_TO.fullmatch(value)
    shortest, longest = (float(match[1]), float(match[2] or match[1])) if match else (math.inf, 0)
    if shortest > longest:
        reason = f"{value!r} is no wait; write seconds as in 2.5, or from shortest to longest as in 1-3"
        raise click.BadParameter(reason, context, parameter)
    return shortest, longest


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    host: str
    port: int
    api_key_env: str | None
    allow_hosts: tuple[str, ...]
    url_ttl: float
    engine: str
    weights: Path | None
    workers: int
    queue: int
    timeout: float
    latency: tuple[float, float]
    rate_limit: int | None
    chaos: Path | None


@click.command("serve", epilog=EPILOG)
@click.option("--host", callback=_host, default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8300, show_default=True, help="0 takes any free one.")
@click.option("--api-key-env", metavar="NAME", help="Ask for the API key that this environment variable holds.")
@click.option("--allow-host", "allow_hosts", metavar="NAME", multiple=True, help="Answer to this name too. Repeatable.")
@click.option("--url-ttl", callback=_seconds, default="7d", show_default=True, help="How long result URLs last.")
@click.option(
    "--engine",
    type=click.Choice(["drawing", "diffusers"]),
    default="drawing",
    show_default=True,
    help="What makes the images: a drawing of the request, or weights of your own.",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For --engine diffusers: a YAML file that names the folders of weights.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=min(6, 2 * (os.cpu_count() or 1)),
    show_default="two a processor, at most 6",
    help="For --engine drawing: processes that draw, started as they are needed.",
)
@click.option(
    "--queue", type=click.IntRange(0), default=64, show_default=True, help="Requests that may wait; more get a 429."
)
@click.option(
    "--timeout", callback=_seconds, default="5m", show_default=True, help="How long the images of a request may take."
)
@click.option("--latency", callback=_wait, default="0", show_default=True, help="Wait before each answer.")
@click.option("--rate-limit", metavar="N", type=click.IntRange(1), help="Answer 429 beyond N requests a minute.")
@click.option(
    "--chaos",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file of troubles that befall requests.",
)
def command(
    host: str,
    port: int,
    api_key_env: str | None,
    allow_hosts: tuple[str, ...],
    url_ttl: float,
    engine: str,
    weights: Path | None,
    workers: int,
    queue: int,
    timeout: float,
    latency: tuple[float, float],
    rate_limit: int | None,
    chaos: Path | None,
) -> None:
    """Serve the images API, with the models known here, until told to stop.

    Unless told otherwise it draws a picture of each request, at once and for nothing. Standard error gets a line of
    JSON for each request. Without an API key only this machine can reach the server.
    """
    options = ServeOptions(
        host=host,
        port=port,
        api_key_env=api_key_env,
        allow_hosts=allow_hosts,
        url_ttl=url_ttl,
        engine=engine,
        weights=weights,
        workers=workers,
        queue=queue,
        timeout=timeout,
        latency=latency,
        rate_limit=rate_limit,
        chaos=chaos,
    )
    serve(options, os.environ)


def serve(options: ServeOptions, environ: Mapping[str, str]) -> None:
    """Listen, say where, and serve; raises `SpecrunError` where that cannot be."""
    key = _api_key(options, environ)
    catalog, engine = _engine(options, catalog_here())
    rules = () if options.chaos is None else load_chaos(options.chaos, catalog)
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(options))
        settings = Settings(
            api_key=key,
            hosts=frozenset(
                map(host_name, ("localhost", "127.0.0.1", "[::1]", _shown(options.host), *options.allow_hosts))
            ),
            addresses=not is_loopback(options.host),
            url_ttl=options.url_ttl,
            results=Path(stack.enter_context(TemporaryDirectory(prefix="specrun-serve-"))),
            results_bytes=1024 * MEBIBYTE,
            engine_seconds=options.timeout,
            inputs=64,
            running=1 if options.engine == "diffusers" else 2 * options.workers,
            waiting=options.queue,
            fetches=True,
            logs=True,
            latency=options.latency,
            requests_per_minute=options.rate_limit,
            chaos=rules,
        )
        run(create_app(catalog, engine, settings), listener, lambda: note(_announcement(listener, options, catalog)))
    note("stopped")


def _announcement(listener: socket.socket, options: ServeOptions, catalog: Catalog) -> str:
    place = f"{_shown(options.host)}:{listener.getsockname()[1]}"
    return f"serving {len(catalog.models)} models at http://{place} (Ctrl-C stops)"


def _shown(host: str) -> str:
    """Return a host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def _engine(options: ServeOptions, catalog: Catalog) -> tuple[Catalog, Engine]:
    """Return what makes the images, and the models that it has."""
    if options.engine == "drawing":
        if options.weights is not None:
            raise UsageError(
                Diagnostic(
                    summary="weights without their engine",
                    detail="the engine drawing makes no use of weights",
                    hint="add --engine diffusers, or leave --weights out",
                )
            )
        return catalog, DrawingEngine(processes=options.workers, eager=True)
    if options.weights is None:
        raise UsageError(
            Diagnostic(
                summary="no weights",
                detail="the engine diffusers runs weights of your own, and none are named",
                hint="name a file with --weights; specrun/server/README.md shows one",
            )
        )
    weights = load_weights(options.weights, catalog.models)
    try:
        # Takes seconds and gigabytes, so nothing else may import it.
        from specrun.server.diffusion.engine import load_engine  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(
            Diagnostic(
                summary="engine not installed",
                detail=f"the engine diffusers needs the package {error.name}",
                hint="pip install 'specrun[diffusers]'",
            )
        ) from error
    note(f"loading weights for {len(weights.models)} models")
    served = {id_: model for id_, model in catalog.models.items() if id_ in weights.models}
    return Catalog(models=served, aliases=catalog.aliases), load_engine(weights)


def _api_key(options: ServeOptions, environ: Mapping[str, str]) -> str | None:
    """Return the key to ask for; raise `UsageError` where strangers could do without one."""
    if options.api_key_env is None:
        if not is_loopback(options.host):
            raise UsageError(
                Diagnostic(
                    summary="no API key",
                    detail=f"{options.host} can be reached from other machines, and the server asks for no key",
                    hint="name an environment variable that holds one with --api-key-env, or leave --host out",
                )
            )
        return None
    key = environ.get(options.api_key_env, "").strip()
    if not key:
        raise InvalidInputError(
            Diagnostic(
                summary="no API key",
                detail=f"the environment variable {options.api_key_env} is not set, or is empty",
                hint=f"set it to the key that clients must send: export {options.api_key_env}=…",
            )
        )
    return key


def _listen(options: ServeOptions) -> socket.socket:
    try:
        return listen(options.host, options.port)
    except OSError as error:
        raise UsageError(
            Diagnostic(
                summary="cannot listen",
                detail=f"port {options.port} at {options.host} cannot be had: {error.strerror or error}",
                hint=(
                    "choose another with --port; 0 takes any free one"
                    if error.errno in (errno.EADDRINUSE, errno.EACCES)
                    else "give --host an address of this machine, without a port"
                ),
            )
        ) from error
