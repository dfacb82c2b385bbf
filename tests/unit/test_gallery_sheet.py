from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.run import Price
from specrun.pages.gallery import Gathered, gallery_sheet
from specrun.pages.published import published
from specrun.pages.sheet import Sheet, Tile
from specrun.store.attempts import Attempt, AttemptState, Ending, Intent
from specrun.store.manifest import ManifestOutput


def row(
    address: str, *, images: int = 1, inputs: Mapping[str, str] | None = None, state: State | None = None
) -> LockRow:
    blobs = [f"sha256:{address}{index}" for index in range(1, images + 1)]
    return LockRow(
        address=address,
        key="sha256:key",
        request_digest="sha256:key",
        seed=5,
        provider="acme",
        model="acme/one",
        params={"prompt": "a cat", "seed": 5, "steps": 20, "size": "8x8"},
        defaults=("steps",),
        revision=1,
        sample=1,
        schema_digest="sha256:schema",
        inputs=dict(inputs or {}),
        outputs=tuple(
            LockedOutput(index=index, path=f"{address}-{index}.png", blob=blob, file=blob)
            for index, blob in enumerate(blobs, 1)
        ),
        state=state,
    )


def outputs(locked: LockRow) -> list[ManifestOutput]:
    return [
        ManifestOutput(
            address=locked.address,
            index=output.index,
            path=output.path,
            file=output.file,
            blob=output.blob,
            media_type="image/png",
            width=8,
            height=8,
            bytes=2048,
            provider=locked.provider,
            model=locked.model,
            prompt="a cat",
            params=locked.params,
            seed=locked.seed,
            key=locked.key,
            request_digest=locked.request_digest,
            job=locked.address,
            axes={},
        )
        for output in locked.outputs
    ]


def attempt(address: str, state: AttemptState, cause: str = "") -> Attempt:
    intent = Intent(
        hold="h",
        spec="specs/s.yaml",
        address=address,
        provider="acme",
        model="acme/one",
        request_digest="sha256:key",
        take=1,
        images=1,
        price=Price(amount=Decimal(1), currency="CNY"),
    )
    return Attempt(id=1, intent=intent, ending=Ending(state=state, cause=cause), intended_at=1, sent_at=2, ended_at=3)


def sheet(*rows: LockRow, attempts: tuple[Attempt, ...] = (), order: tuple[str, ...] = ()) -> Sheet:
    lock = Lock(spec="specs/s.yaml", name="s", rows={each.address: each for each in rows})
    made = [output for each in rows if each.state is not State.ORPHAN for output in outputs(each)]
    return gallery_sheet(Gathered(lock=lock, outputs=made, attempts=attempts, order=order), "specs/s.yaml")


def told(tiles: tuple[Tile, ...]) -> list[tuple[str, str, str]]:
    return [(tile.address, tile.status.word, tile.note) for tile in tiles]


def test_every_image_of_a_run_has_a_tile() -> None:
    tiles = sheet(row("a", images=2)).tiles
    assert [(tile.index, tile.images, tile.image.path if tile.image else None) for tile in tiles] == [
        (1, 2, "a-1.png"),
        (2, 2, "a-2.png"),
    ]


def test_runs_without_images_say_why() -> None:
    tiles = sheet(
        row("failed", images=0),
        row("held", images=0, state=State.REFUSED),
        row("needs", images=0, inputs={"failed#1": "x"}),
        row("pinned", images=0),
        row("unknown", images=0, state=State.UNKNOWN),
        attempts=(
            attempt("failed", AttemptState.UNKNOWN, "earlier"),
            attempt("failed", AttemptState.FAILED, "too many requests"),
            attempt("held", AttemptState.REFUSED, "not this prompt"),
        ),
    ).tiles
    assert told(tiles) == [
        ("failed", "failed", "too many requests"),
        ("held", "refused", "not this prompt"),
        ("needs", "blocked", "needs failed, which has no image"),
        ("pinned", "not made", "pinned in the lock, not made yet"),
        ("unknown", "unknown", "an earlier request may have been billed, and nobody knows what came of it"),
    ]
    assert all(tile.image is None for tile in tiles)


def test_a_partial_run_shows_what_came() -> None:
    (tile,) = sheet(row("a", state=State.PARTIAL)).tiles
    assert tile.image is not None
    assert tile.status.word == "partial"


def test_orphans_are_left_out() -> None:
    assert told(sheet(row("a"), row("b", state=State.ORPHAN)).tiles) == [("a", "made", "")]


def test_tiles_are_in_the_specs_order_and_without_it_in_that_of_their_addresses() -> None:
    rows = (row("s[n=10]"), row("s[n=9]"), row("s[n=1]"))
    assert [tile.address for tile in sheet(*rows).tiles] == ["s[n=1]", "s[n=9]", "s[n=10]"]
    ordered = sheet(*rows, order=("s[n=10]", "s[n=1]")).tiles
    assert [tile.address for tile in ordered] == ["s[n=10]", "s[n=1]", "s[n=9]"]


def test_a_tile_knows_all_there_is_to_know() -> None:
    (tile,) = sheet(replace(row("a[x=1]", inputs={"in.png": "sha256:in"}), take=3)).tiles
    assert (tile.job, tile.axes, tile.seed, tile.prompt) == ("a", (("x", "1"),), 5, "a cat")
    assert [(param.name, param.value, param.given) for param in tile.params] == [
        ("size", "8x8", True),
        ("steps", 20, False),
    ]
    assert tile.facts == (
        ("Size", "8 by 8 pixels"),
        ("Type", "image/png, 2 KiB"),
        ("File", "a[x=1]-1.png"),
        ("Received", "sha256:a[x=1]1"),
        ("Input", "in.png (sha256:in)"),
        ("Take", "3"),
        ("Key", "sha256:key"),
        ("Schema", "sha256:schema"),
    )
    assert [(picture.blob, picture.caption) for picture in tile.inputs] == [("sha256:in", "in.png")]


def test_a_published_page_does_not_say_where_the_project_stands() -> None:
    held = row("a", images=0, state=State.UNUSABLE)
    cause = "no image; put aside: /srv/shop/.specrun/quarantine/ab/cd"
    lock = Lock(spec="specs/s.yaml", name="s", rows={"a": held})
    attempts = (attempt("a", AttemptState.UNUSABLE, cause),)
    gathered = Gathered(lock=lock, outputs=(), attempts=attempts)
    told = published(gallery_sheet(gathered, "--name b '/srv/shop/my specs/s.yaml'"), Path("/srv/shop"))
    assert told.commands["command"].endswith(" --name b 'my specs/s.yaml'")
    (tile,) = told.tiles
    assert tile.note == "no image; put aside: a file on the machine that made it"
