"""What a page of images holds, whatever it is about: tiles with one picture or two, and all that is known of each."""

from collections.abc import Mapping
from enum import Enum

import msgspec
from msgspec.structs import replace

from specrun.canonical import Json


class Tone(Enum):
    """What a status means for whoever looks; the style sheet decides how that looks."""

    PLAIN = "plain"  # as it should be
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    WAITING = "waiting"
    WRONG = "wrong"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a tile's run stands, in one word; those of lower `rank` come first, then those whose tone asks for more."""

    word: str
    tone: Tone = Tone.PLAIN
    rank: int = 0


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a tile. `blob` names its bytes.

    `caption` is shown on it where it is not plainly the tile's image; `path` is its file below the outputs folder,
    None for one that stands in no file. `drawn` marks a preview that no model has made.
    """

    blob: str
    caption: str = ""
    path: str | None = None
    drawn: bool = False


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter as it is sent; `given` is false where only the model's schema says it."""

    name: str
    value: Json
    given: bool = True


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A field that changed, in pieces: a sign (`-` for what was there, `+` for what is, else empty) and its text."""

    field: str
    pieces: tuple[tuple[str, str], ...]


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a run, or the place where it would stand.

    `index` counts the run's images from 1, `images` says how many there are. `note` says why the status is what it
    is. `before` is what the image was, where the page is about a change. `facts` are further lines for whoever wants
    to know all, labels with texts. `distance` is how far apart the two pictures are to the eye. `inputs` are the
    images that it is made from, each with its source as caption.
    """

    address: str
    job: str
    axes: tuple[tuple[str, str], ...]
    status: Status
    note: str = ""
    index: int = 1
    images: int = 1
    prompt: str = ""
    model: str = ""
    provider: str = ""
    seed: int | None = None
    params: tuple[Param, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    changes: tuple[Difference, ...] = ()
    price: str = ""
    image: Picture | None = None
    before: Picture | None = None
    inputs: tuple[Picture, ...] = ()
    distance: float | None = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A page about one spec: `noun` is what its tiles are, `figures` are its sums, `tiles` are in the spec's order.

    `split` is the facet that parts the page to begin with, where tiles differ in it. `commands` are what a person may
    run for one tile: a name, and a text where `{address}` stands for the address as a shell takes it. `pairs` says
    that the page is about befores and afters.
    """

    title: str
    spec: str
    noun: str
    tiles: tuple[Tile, ...]
    figures: tuple[tuple[str, str], ...] = ()
    commands: Mapping[str, str] = msgspec.field(default_factory=dict)
    split: str = ""
    pairs: bool = False


def without_inputs(sheet: Sheet) -> Sheet:
    """Return a sheet of which only the images themselves are shown."""
    return replace(sheet, tiles=tuple(replace(tile, inputs=()) for tile in sheet.tiles))
