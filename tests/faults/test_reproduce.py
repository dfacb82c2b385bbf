"""Asking again: what each engine's answer is worth, and what may not be asked."""

import asyncio
import io
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from made import Made, begin
from msgspec.structs import replace
from PIL import Image, ImageChops

from specrun.catalog.load import load_catalog
from specrun.model.project import Provider
from specrun.provider.client import ImageClient
from specrun.server.app import create_app
from specrun.store.ledger_view import view_ledger
from specrun.store.reproductions import verdicts_by_model
from specrun.verify.likeness import NEAR
from specrun.verify.question import Questioner, UnaskableError
from specrun.verify.reproduce import Scratch, reproduce
from specrun.verify.verdict import Reproduction, Verdict

CAT, OWL = "animals[animal=cat]", "animals[animal=owl]"
FLUX = ("sandbox", "black-forest-labs/FLUX.1-dev")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    begin(folder).apply()
    return folder


@pytest.fixture
def made(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Made(tmp_path)


class Engine(httpx.AsyncBaseTransport):
    """The sandbox with something between it and the client; remembers what was asked."""

    def __init__(
        self,
        *,
        ask: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body,
        answer: Callable[[Image.Image], Image.Image] | None = None,
    ) -> None:
        self._app = httpx.ASGITransport(create_app(load_catalog(None)))
        self._ask = ask
        self._answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            body = json.loads(await request.aread())
            self.asked.append((request.headers["Idempotency-Key"], body))
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            request = httpx.Request("POST", request.url, headers=headers, json=self._ask(body))
        response = await self._app.handle_async_request(request)
        if request.method == "POST" or self._answer is None:
            return response
        data = io.BytesIO()
        with Image.open(io.BytesIO(await response.aread())) as image:
            self._answer(image.convert("RGB")).save(data, "PNG")
        return httpx.Response(200, headers={"Content-Type": "image/png"}, content=data.getvalue())


def again(made: Made, engine: Engine, *addresses: str) -> dict[str, Reproduction]:
    questioner = Questioner(made.target, made.lock, load_catalog(None))
    rows = [made.row(address) for address in addresses] or list(made.lock.rows.values())
    scratch = Scratch(
        folder=made.folder / ".specrun/reproduced/shots",
        ledger=made.folder / ".specrun/ledger.db",
        spec="shots.yaml",
        near=NEAR,
        prices={},
    )

    def client(provider: Provider) -> ImageClient:
        return ImageClient(replace(provider, retry_for=0.1), transport=engine)

    requests = [questioner.request(row) for row in rows]
    found = asyncio.run(reproduce(requests, made.project.providers, client, scratch, lambda _: None))
    return {each.row.address: each for each in found}


def state(made: Made) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(made.folder.rglob("*")):
        theirs = path.name.startswith("ledger.db") or ".specrun/reproduced" in path.as_posix()
        if path.is_file() and not theirs:
            yield path.as_posix(), path.read_bytes(), path.stat().st_mtime_ns


def test_on_the_sandbox_every_image_is_identical_chained_ones_too(made: Made) -> None:
    found = again(made, Engine())
    assert {address: each.verdict for address, each in found.items()} == dict.fromkeys(
        (CAT, OWL, "edit", "pairs"), Verdict.IDENTICAL
    )
    assert len(found["pairs"].pairs) == 2


def test_the_request_is_the_locked_one_and_never_bears_its_old_name(made: Made) -> None:
    engine = Engine()
    again(made, engine)
    again(made, engine)
    names = [name for name, _ in engine.asked]
    assert len(set(names)) == len(names) == 8
    taken = {f"{row.request_digest}.{row.take}" for row in made.lock.rows.values()}
    assert taken.isdisjoint(names)
    sent = next(body for _, body in engine.asked if body["prompt"] == "a cat")
    assert {name: value for name, value in sent.items() if name != "model"} == made.row(CAT).params


def test_nothing_but_the_scratch_area_and_the_ledger_changes(made: Made) -> None:
    before = list(state(made))
    again(made, Engine())
    assert list(state(made)) == before
    assert sorted(path.name for path in (made.folder / ".specrun/reproduced/shots").rglob("*.png")) == [
        *("cat.png", "edit.png", "owl.png", "pairs-1.png", "pairs-2.png")
    ]
    with view_ledger(made.folder / ".specrun/ledger.db") as ledger:
        assert len(ledger.history("shots.yaml")) == 4
    assert made.apply().requests == 0


def test_an_engine_that_adds_noise_is_near_with_its_distance(made: Made) -> None:
    def noisy(image: Image.Image) -> Image.Image:
        return ImageChops.add(image, Image.merge("RGB", [Image.effect_noise(image.size, 6)] * 3), 1, -128)

    found = again(made, Engine(answer=noisy), CAT)[CAT]
    assert found.verdict is Verdict.NEAR
    assert found.distance is not None
    assert 0.5 < found.distance <= NEAR


def test_an_engine_that_encodes_otherwise_has_the_same_pixels(made: Made) -> None:
    found = again(made, Engine(answer=lambda image: image), CAT)[CAT]
    assert (found.verdict, found.distance) == (Verdict.SAME_PIXELS, 0.0)


def test_an_engine_that_ignores_seeds_is_different(made: Made) -> None:
    seeds = itertools.count(1)
    found = again(made, Engine(ask=lambda body: {**body, "seed": next(seeds)}), CAT, OWL)
    assert {each.verdict for each in found.values()} == {Verdict.DIFFERENT}
    assert all((each.distance or 0) > NEAR for each in found.values())


def test_another_size_is_different_and_has_no_distance(made: Made) -> None:
    found = again(made, Engine(answer=lambda image: image.resize((100, 100))), CAT)[CAT]
    assert (found.verdict, found.distance) == (Verdict.DIFFERENT, None)


def test_a_run_is_as_good_as_its_worst_image(made: Made) -> None:
    images = itertools.count()

    def second_only(image: Image.Image) -> Image.Image:
        return ImageChops.invert(image) if next(images) else image

    found = again(made, Engine(answer=second_only), "pairs")["pairs"]
    assert sorted(pair.verdict.value for pair in found.pairs) == ["different", "same pixels"]
    assert found.verdict is Verdict.DIFFERENT


def test_a_server_that_refuses_is_told_apart_from_one_that_differs(made: Made) -> None:
    found = again(made, Engine(ask=lambda body: {**body, "nonsense": 1}), CAT)[CAT]
    assert (found.verdict, found.failed) == (Verdict.UNVERIFIABLE, True)
    assert "400" in found.reason


def test_verdicts_add_up_over_time(made: Made) -> None:
    again(made, Engine(), CAT, OWL)
    again(made, Engine(answer=lambda image: image), CAT)
    again(made, Engine(answer=ImageChops.invert), CAT)
    verdicts = verdicts_by_model(made.folder / ".specrun/ledger.db")
    assert verdicts[FLUX] == {"identical": 2, "same pixels": 1, "different": 1}


def test_without_a_ledger_there_are_no_verdicts(tmp_path: Path) -> None:
    assert verdicts_by_model(tmp_path / "ledger.db") == {}


def test_what_would_prove_nothing_is_not_asked(made: Made) -> None:
    def why(address: str = CAT) -> str:
        with pytest.raises(UnaskableError) as caught:
            Questioner(made.target, made.lock, load_catalog(None)).request(made.row(address))
        return str(caught.value)

    digest = made.row(CAT).request_digest
    made.relock(CAT, seed=None)
    assert why() == "the model takes no seed, so another image says nothing"
    made.relock(CAT, seed=made.row(CAT).params["seed"], schema_digest=digest)
    assert why() == "the model's contract has moved since it was locked"
    made.relock(CAT, model="gone/model")
    assert why() == "no schema describes its model any more"
    made.relock(OWL, request_digest=digest)
    assert why(OWL) == "its row in the lock does not add up to its request digest"


def test_an_image_or_input_that_is_gone_is_named(made: Made) -> None:
    questioner = Questioner(made.target, made.lock, load_catalog(None))
    shutil.rmtree(made.folder / ".specrun/store")
    assert questioner.request(made.row("edit")).originals[1]
    made.file(CAT).unlink()
    with pytest.raises(UnaskableError, match="an input image is not on this machine any more"):
        questioner.request(made.row("edit"))
    with pytest.raises(UnaskableError, match="its image is not on this machine any more"):
        questioner.request(made.row(CAT))
