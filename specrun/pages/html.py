"""A sheet as HTML: everything inline, under a policy that lets nothing else run or load."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from specrun import __version__
from specrun.pages.album import Album
from specrun.pages.record import sheet_json
from specrun.pages.sheet import Picture, Sheet
from specrun.report import inert

_ASSETS: Final = Path(__file__).parent / "assets"
# The parts of a sheet's script, in the order they build on each other.
_PARTS: Final = "dom sheet view pictures tile layout plot controls compare lightbox keys theme main".split()
# So many thumbnails stand in one element of a page: few enough that the first are there soon.
_BUNDLE: Final = 50


def sheet_page(
    sheet: Sheet, album: Album, link: Callable[[Picture], str | None], *, folder: str | None = None
) -> Iterator[str]:
    """Return the pieces of a page. Thumbnails are inside, or where `folder` is given, files there (`small_name`)."""
    inside = folder is None
    yield from render(
        "sheet.html",
        style=asset("base.css") + asset("sheet.css"),
        script=script_of(*(f"sheet/{part}.js" for part in _PARTS)),
        title=sheet.title,
        spec=sheet.spec,
        figures=sheet.figures,
        data=Markup(sheet_json(sheet, album, link, bundle=_BUNDLE, folder=folder)),  # noqa: S704 - it holds no markup
        bundles=_bundles(list(album.files.values())) if inside else (),
        inside=inside,
    )


def render(template: str, **values: object) -> Iterator[str]:
    """Return the pieces of a page from a template, with its style and script and their digests."""
    environment = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["source"] = _source
    return environment.get_template(template).generate(version=__version__, **values)


@cache
def asset(name: str) -> Markup:
    """Return one of specrun's own style sheets or scripts."""
    return Markup((_ASSETS / name).read_text("utf-8"))  # noqa: S704 - specrun's own


@cache
def script_of(*names: str) -> Markup:
    """Return one script from several files; its names are its own."""
    parts = "\n".join(asset(name) for name in names)
    return Markup(f'(() => {{\n"use strict";\n{parts}}})();')  # noqa: S704 - specrun's own


def _shown(value: object) -> object:
    """Let no text from a spec or a server turn its surroundings around or hide in them."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else inert.line(value)


def _source(text: str) -> str:
    """Return what a content security policy calls an inline style or script."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _bundles(files: Sequence[bytes]) -> Iterator[Markup]:
    for start in range(0, len(files), _BUNDLE):
        lines = (base64.b64encode(file).decode() for file in files[start : start + _BUNDLE])
        yield Markup("\n".join(lines))  # noqa: S704 - base64 has no markup
