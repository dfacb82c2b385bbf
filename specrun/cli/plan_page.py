"""A plan in pictures: a page of its own, or thumbnails for its Markdown."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from specrun.cli.console import note
from specrun.cli.planning import Planned
from specrun.cli.previews import Previews
from specrun.cli.showing import album_of, originals_of
from specrun.cli.targets import target_of
from specrun.model.plan import Action, Plan
from specrun.pages.originals import Originals, with_inputs
from specrun.pages.plan import plan_sheet
from specrun.pages.published import published
from specrun.pages.sheet import without_inputs
from specrun.pages.write import link_thumbnails, write_file
from specrun.report import inert
from specrun.report.words import count
from specrun.verify.target import Target


def write_plan_page(path: Path, planned: Planned) -> None:
    """Write the page of one plan: images as they are, and drawings of those that will be made."""
    plan, project = planned.plan, planned.project
    target = _target(planned)
    previews = Previews(plan, _originals(plan, target), project.root)
    sheet = published(plan_sheet(plan, target.arguments, previews.name), project.root)
    album = album_of(sheet, project, with_inputs(previews.read, sheet, project.root))
    write_file(path, sheet, album, target.outputs, project.root)
    shown = sum(tile.image is not None for tile in sheet.tiles)
    note(inert.line(f"{os.path.relpath(path)}: {count(shown, 'image')}"))


def linked_pictures(planned: Iterable[Planned], where: str) -> Mapping[str, str]:
    """Return the URLs of thumbnails of all images as they are, by blob; `where` is a folder or a URL."""
    pictures: dict[str, str] = {}
    for each in planned:
        target = _target(each)
        sheet = without_inputs(plan_sheet(each.plan, target.arguments, _no_drawing))
        album = album_of(sheet, each.project, _originals(each.plan, target).read)
        pictures |= link_thumbnails(album, where)
    return pictures


def _target(planned: Planned) -> Target:
    return target_of(planned.plan.spec, planned.project, planned.plan.asked.variant, planned.plan)


def _originals(plan: Plan, target: Target) -> Originals:
    rows = [row for action in plan.actions for row in (action.row, action.origin) if row is not None]
    return originals_of(target, rows)


def _no_drawing(_action: Action, _index: int) -> None:
    return None
