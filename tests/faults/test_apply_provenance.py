"""Applied images say where they come from, and stay byte for byte as they are while all around them moves."""

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from made import Made, begin
from PIL import Image

from specrun.apply.apply import apply
from specrun.apply.events import Finished
from specrun.apply.options import ApplyOptions
from specrun.canonical import digest
from specrun.catalog.load import load_catalog
from specrun.model.plan import Verb
from specrun.model.project import Provider
from specrun.provenance import deliver
from specrun.provenance.embed import extract, original
from specrun.provider.client import ImageClient
from specrun.server.app import create_app

CAT, OWL = "animals[animal=cat]", "animals[animal=owl]"
PROVENANCE = "provider: sandbox\nprovenance: "


@pytest.fixture
def made(tmp_path: Path) -> Made:
    found = begin(tmp_path)
    found.apply()
    return found


class Painter(httpx.AsyncBaseTransport):
    """The sandbox, whose every image is replaced by one of ours."""

    def __init__(self, data: bytes) -> None:
        self._app = httpx.ASGITransport(create_app(load_catalog(None)))
        self._data = data

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._app.handle_async_request(request)
        return response if request.method == "POST" else httpx.Response(200, content=self._data)


def paint(made: Made, data: bytes, **wishes: Any) -> Finished:
    def client(provider: Provider) -> ImageClient:
        return ImageClient(provider, transport=Painter(data))

    plan = made.plan(**wishes)
    return asyncio.run(apply(plan, made.project, load_catalog(None), client, ApplyOptions(), lambda _: None))


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 60)).save(buffer, kind)
    return buffer.getvalue()


def files(made: Made) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(made.outputs.rglob("*")) if path.is_file()}


def test_files_carry_their_facts_and_the_store_what_was_received(made: Made) -> None:
    output, data = made.output(CAT), made.file(CAT).read_bytes()
    facts = extract(data)
    assert facts is not None
    assert (facts.spec, facts.key, facts.prompt) == ("shots", made.row(CAT).key, "a cat")
    assert output.file == digest(data) != output.blob
    assert original(data, output.blob) == made.blobs.read(output.blob)


def test_a_rename_changes_no_byte_and_asks_nothing(made: Made) -> None:
    before = files(made)
    made.edit("  animals:", "  beasts:")
    made.edit("output('animals'", "output('beasts'")
    assert {action.verb for action in made.plan().actions} == {Verb.MOVE, Verb.KEEP}
    assert made.apply().requests == 0
    after = files(made)
    assert {name: data for name, data in after.items() if name.endswith(".png")} == {
        name: data for name, data in before.items() if name.endswith(".png")
    }


def test_an_upgrade_restores_what_was_delivered_before_it(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.file(CAT).read_bytes()
    monkeypatch.setattr(deliver, "__version__", "99.0.0")
    made.file(CAT).unlink()
    made.edit("[cat, owl]", "[cat, owl, fox]")
    made.apply()
    assert made.file(CAT).read_bytes() == before
    facts = extract(made.file("animals[animal=fox]").read_bytes())
    assert facts is not None
    assert facts.specrun == "99.0.0"
    assert made.apply().delivered == 0


@pytest.mark.parametrize("told", ["none", "sidecar", "{omit: [prompt]}"])
def test_new_settings_deliver_again_for_nothing_and_only_once(made: Made, told: str) -> None:
    first = files(made)
    made.edit("provider: sandbox", PROVENANCE + told)
    assert {action.verb for action in made.plan().actions} == {Verb.RESTORE}
    assert made.apply().requests == 0
    assert {action.verb for action in made.plan().actions} == {Verb.KEEP}
    made.edit(PROVENANCE + told, "provider: sandbox")
    made.apply()
    assert files(made) == first


def test_sidecars_go_where_their_images_go(made: Made) -> None:
    made.edit("provider: sandbox", PROVENANCE + "sidecar")
    made.apply()
    assert made.file(CAT).with_name("cat.png.json").is_file()
    made.edit("[cat, owl]", "[owl]")
    made.edit("animal='cat'", "animal='owl'")
    made.edit("prompt: a pair", "prompt: a pair\n    output: 'two/{{ index }}.{{ ext }}'")
    made.apply()
    assert not (made.outputs / "pairs").exists()
    assert sorted(path.name for path in (made.outputs / "two").iterdir()) == [
        *("1.png", "1.png.json", "2.png", "2.png.json")
    ]


def test_a_file_of_someone_else_is_not_taken_for_a_sidecar(made: Made) -> None:
    mine = made.file(CAT).with_name("cat.png.json")
    mine.write_text('{"mine": true}')
    made.edit("provider: sandbox", PROVENANCE + "sidecar")
    assert made.apply().failed == (CAT,)
    assert mine.read_text() == '{"mine": true}'


def test_an_apply_that_lost_its_lock_knows_its_own_files(made: Made) -> None:
    before = files(made)
    made.lock_file.unlink()
    (made.outputs / "manifest.json").unlink()
    finished = made.apply()
    assert (finished.requests, finished.failed) == (0, ())
    assert files(made) == before


def test_a_format_that_holds_no_facts_gets_them_beside_it(tmp_path: Path) -> None:
    made = begin(tmp_path)
    paint(made, picture("GIF"))
    assert made.output(CAT).path == "animals/cat.gif"
    assert made.output(CAT).file == made.output(CAT).blob == digest(picture("GIF"))
    assert made.file(CAT).with_name("cat.gif.json").is_file()
    assert {action.verb for action in made.plan().actions} == {Verb.KEEP}
    assert made.verify(store=True).findings == ()


def test_images_kept_while_their_key_moves_on_keep_their_bytes(tmp_path: Path) -> None:
    made = begin(tmp_path)
    paint(made, picture("PNG"))
    key, before = made.row("edit").key, made.file("edit").read_bytes()
    made.edit("a {{ animal }}", "one {{ animal }}")
    paint(made, picture("PNG"))
    row = made.row("edit")
    assert row.key != key
    assert row.provenance is not None
    assert row.provenance.moved["key"] == key
    assert made.file("edit").read_bytes() == before
    made.file("edit").unlink()
    made.apply()
    assert made.file("edit").read_bytes() == before
    assert made.verify(store=True).findings == ()
