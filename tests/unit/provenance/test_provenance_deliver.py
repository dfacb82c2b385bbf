"""Delivered files follow from the lock row alone, and stay as they are while it moves on."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pictures import encoded
from PIL import Image

from specrun.canonical import digest
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings, Stamp
from specrun.provenance.deliver import delivery, kept, stamped
from specrun.provenance.embed import blob_of, extract, original
from specrun.provenance.sidecar import beside, settings_of, sidecar, told

KEY, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BLOB = encoded("PNG")
EMBED = ProvenanceSettings()
SIDECAR = ProvenanceSettings(mode=ProvenanceMode.SIDECAR)
NONE = ProvenanceSettings(mode=ProvenanceMode.NONE)


def row(**changes: Any) -> LockRow:
    fields: dict[str, Any] = {
        "address": "shots[animal=cat]",
        "key": KEY,
        "request_digest": KEY,
        "seed": 7,
        "provider": "modelverse",
        "model": "black-forest-labs/Flux-Kontext-Pro",
        "params": {"prompt": "a secret cat", "seed": 7, "image": {"index": 1, "key": KEY}},
        "defaults": (),
        "revision": 1,
        "sample": 1,
        "schema_digest": KEY,
        "inputs": {},
    }
    return LockRow(**fields | changes)


def output(path: str = "shots/cat.png", data: bytes = BLOB) -> LockedOutput:
    return LockedOutput(index=1, path=path, blob=digest(data), file=digest(data))


def delivered(found: LockRow, data: bytes = BLOB) -> bytes:
    return delivery(data, found, output(data=data)).file


def test_the_facts_are_those_of_the_row() -> None:
    facts = extract(delivered(stamped(row(), EMBED, "shots")))
    assert facts is not None
    assert (facts.spec, facts.provider, facts.key, facts.take, facts.seed) == ("shots", "modelverse", KEY, 1, 7)
    assert facts.params == row().params
    assert facts.blob == digest(BLOB)


def test_a_new_address_a_new_path_and_another_sample_of_the_same_seed_change_no_byte() -> None:
    made = stamped(row(), EMBED, "shots")
    moved = replace(made, address="renamed", sample=3, schema_digest=OTHER, inputs={"a.png": OTHER}, defaults=("n",))
    assert delivery(BLOB, moved, output("elsewhere.png")).file == delivered(made)


def test_without_a_seed_the_sample_is_one_of_the_facts() -> None:
    facts = extract(delivered(stamped(row(seed=None, sample=3), EMBED, "shots")))
    assert facts is not None
    assert facts.sample == 3


def test_files_stay_as_they_are_when_the_key_moves_on_and_again() -> None:
    made = stamped(row(), EMBED, "shots")
    first = kept(made, row(key=OTHER, params={**row().params, "image": {"index": 1, "key": OTHER}}))
    second = kept(first, row(key=OTHER[:-1] + "c", params={**row().params, "image": {"index": 2, "key": OTHER}}))
    back = kept(second, row())
    assert first.provenance is not None
    assert first.provenance.moved == {"key": KEY, "params": {"image": {"index": 1, "key": KEY}}}
    assert {delivered(found) for found in (made, first, second, back)} == {delivered(made)}
    assert back == made


def test_images_that_come_from_another_row_keep_its_stamp_unless_the_settings_differ() -> None:
    old = replace(row(), provenance=Stamp(mode=ProvenanceMode.EMBED, omit=(), version=1, specrun="0.0.9", spec="old"))
    assert stamped(row(address="new"), EMBED, "shots", old).provenance == old.provenance
    fresh = stamped(row(address="new"), SIDECAR, "shots", old).provenance
    assert fresh is not None
    assert (fresh.mode, fresh.spec) == (ProvenanceMode.SIDECAR, "shots")


@pytest.mark.parametrize("settings", [EMBED, SIDECAR, NONE, ProvenanceSettings(omit=("prompt",))])
def test_the_settings_can_be_read_off_the_row(settings: ProvenanceSettings) -> None:
    assert settings_of(stamped(row(), settings, "shots")) == settings


def test_without_provenance_the_file_is_what_was_received() -> None:
    made = delivery(BLOB, stamped(row(), NONE, "shots"), output())
    assert (made.file, made.sidecar) == (BLOB, None)


def test_a_sidecar_holds_the_facts_and_the_file_is_what_was_received() -> None:
    found = stamped(row(), SIDECAR, "shots")
    made = delivery(BLOB, found, output())
    assert made.file == BLOB
    assert made.sidecar is not None
    assert made.sidecar == sidecar(found, output())
    facts = told(made.sidecar)
    assert facts is not None
    assert facts.spec == "shots"
    assert json.loads(made.sidecar)["facts"]["key"] == KEY
    assert beside(Path("a/cat.png")).name == "cat.png.json"


def test_a_format_without_a_place_for_facts_gets_a_sidecar_that_the_lock_can_foretell() -> None:
    data = encoded("GIF")
    found = stamped(row(), EMBED, "shots")
    made = delivery(data, found, output(data=data))
    assert made.file == data
    assert made.sidecar is not None
    assert made.sidecar == sidecar(found, output(data=data))
    embedded = replace(output(), file=digest(delivered(found)))
    assert sidecar(found, embedded) is None


def test_a_sidecar_of_someone_else_is_not_taken_for_ours() -> None:
    assert told(b'{"prompt": "mine"}') is None
    assert told(b"\xff\xfe") is None


@pytest.mark.parametrize("settings", [EMBED, SIDECAR], ids=["embed", "sidecar"])
def test_what_is_withheld_stands_nowhere(settings: ProvenanceSettings) -> None:
    quiet = replace(settings, omit=("key", "model", "prompt", "provider", "seed", "spec"))
    made = delivery(BLOB, stamped(row(), quiet, "private-spec"), output())
    text = made.file + (made.sidecar or b"")
    for secret in (b"secret cat", b"private-spec", b"modelverse", b"Flux-Kontext", b'"seed":7'):
        assert secret not in text
    facts = told(made.sidecar) if made.sidecar else extract(made.file)
    assert facts is not None
    assert facts.omitted == ("key", "model", "prompt", "provider", "seed", "spec")


@given(st.binary(max_size=64))
def test_bytes_that_are_no_delivered_image_have_no_blob(data: bytes) -> None:
    assert blob_of(data) is None


def test_a_delivered_image_leads_back_to_its_blob_until_it_is_changed() -> None:
    data = delivered(stamped(row(), EMBED, "shots"))
    assert blob_of(data) == digest(BLOB)
    assert original(data, digest(BLOB)) == BLOB
    assert blob_of(data[:-1] + b"\0") is None
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (48, 32)
