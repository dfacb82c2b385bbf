"""What an apply leaves to look at: pictures on the terminal, and the gallery."""

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.events import Event, How, RunDone
from specrun.apply.place import Place, place_of, rehearsal_of
from specrun.cli.planning import Planned
from specrun.store.lockfile import lock_path
from specrun.verify.target import Target


def place_applied(planned: Planned, *, rehearse: bool) -> Place:
    """Return where a plan's images stand."""
    plan = planned.plan
    place = rehearsal_of if rehearse else place_of
    return place(plan, planned.project, lock_path(plan.spec, plan.asked.variant))


def new_images(events: Iterable[Event], outputs: Path) -> Iterable[Path]:
    """Yield the files of the images that came in this apply."""
    for event in events:
        if isinstance(event, RunDone) and event.how in {How.REQUESTED, How.SHARED, How.REPLACED}:
            yield from (outputs / name for name in event.files)


def write_gallery(planned: Planned, place: Place) -> str:
    """Make the gallery of what was applied, or rehearsed, and return its path."""
    # Most applies make no page, and start faster without what makes them.
    from specrun.cli.gallery import make_gallery  # noqa: PLC0415

    target = Target(
        root=place.root,
        spec=place.spec,
        name=place.name,
        place=replace(planned.plan.place, spec=os.path.relpath(planned.plan.spec)),
        lock=place.lock,
        outputs=place.outputs,
        store=place.state / "store",
    )
    return os.path.relpath(make_gallery(target, place.state, planned.request, planned.project).page)
