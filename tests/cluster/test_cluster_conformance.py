"""The courier of a cluster against that of this process: whatever a server does, both tell the same."""

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asking import ENVIRON, provider, request
from carrying import at_once, carried
from fault_server import Behaviour, FaultServer, by_prompt
from faults import error, good, hang, images, linked, not_http, raw, reset_after_reading, says, torn_body

from specrun.cluster.start import Cluster
from specrun.provider.courier import Courier, LocalCourier
from specrun.provider.outcome import Received
from specrun.provider.results import Arrival, Arrived, Kept, Lost, Missing, Unusable

ENDS: Mapping[str, Behaviour] = {
    "whole": good(),
    "linked": linked(),
    "relative": linked(relative=True),
    "gone": images(lambda _: {"url": "/img/gone.png"}),
    "broken": images(lambda content: {"b64_json": base64.b64encode(content[:50]).decode()}),
    "empty": says(200, {"created": 1, "data": []}, bill=True),
    "moderated": error(400, "sensitive_check_error"),
    "wrong": error(400, "param_error"),
    "forbidden": error(401, "invalid_api_key"),
    "busy": error(503, "busy", headers={"retry-after": "7"}),
    "gateway": raw(502, b"<title>Bad Gateway</title>"),
    "reset": reset_after_reading,
    "torn": torn_body,
    "late": hang,
    "odd": not_http,
}


async def ends(courier: Courier) -> dict[str, tuple[Any, ...]]:
    """Return what each of `ENDS` comes to, in values that two couriers have in common."""
    found: dict[str, tuple[Any, ...]] = {}
    for name in ENDS:
        outcome = await courier.send(request(prompt=name), at_once)
        if isinstance(outcome, Received):
            arrivals = [_facts(arrival) for arrival in await courier.collect(outcome)]
            found[name] = (outcome.status, outcome.request_id, outcome.cause, arrivals)
        else:
            found[name] = (outcome,)
    return found


def _facts(arrival: Arrival) -> tuple[Any, ...]:
    match arrival:
        case Arrived(image=image):
            return (image.digest, image.media_type, image.extension, image.width, image.height, len(image.data))
        case Kept() as kept:
            return (kept.digest, kept.media_type, kept.extension, kept.width, kept.height, kept.bytes)
        case Unusable(data=data, cause=cause):
            return (data, cause)
        case Missing(cause=cause) | Lost(cause=cause):
            return (cause,)


def test_every_end_of_a_request_is_told_as_by_the_courier_of_this_process(tmp_path: Path, cluster: Cluster) -> None:
    async def here() -> dict[str, tuple[Any, ...]]:
        async with LocalCourier(provider(server, timeout=1), environ=ENVIRON) as courier:
            return await ends(courier)

    with FaultServer(by_prompt({name: [behaviour] for name, behaviour in ENDS.items()}, good())) as server:
        assert carried(cluster, server, tmp_path, ends, timeout=1) == asyncio.run(here())
