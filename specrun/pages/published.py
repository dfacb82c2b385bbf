"""A sheet that says nothing of the machine it was made on, since pages travel."""

from pathlib import Path

from msgspec.structs import replace

from specrun.pages.sheet import Sheet, Tile
from specrun.report.places import without_places


def published(sheet: Sheet, root: Path) -> Sheet:
    """Return a sheet whose texts name files from the project at `root`, wherever the command was typed."""
    return replace(
        sheet,
        spec=without_places(sheet.spec, root),
        commands={name: without_places(command, root) for name, command in sheet.commands.items()},
        tiles=tuple(_published(tile, root) for tile in sheet.tiles),
    )


def _published(tile: Tile, root: Path) -> Tile:
    note = without_places(tile.note, root)
    return tile if note == tile.note else replace(tile, note=note)
