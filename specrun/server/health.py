"""`GET /healthz`."""

from typing import Any

from specrun import __version__
from specrun.server.engine import Engine
from specrun.server.meter import Meter


def health(engine: Engine, meter: Meter) -> dict[str, Any]:
    """Return that the server is well, what makes its images, and how many it billed since it started."""
    return {"status": "ok", "version": __version__, "engine": engine.name, "billed_images": meter.billed}
