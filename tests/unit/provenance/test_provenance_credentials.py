"""Signed Content Credentials, read back by the library's own reader."""

import io
import json
from typing import Any

import c2pa
import pytest
from pictures import encoded, facts
from PIL import Image
from signers import signer

from specrun.media_type import media_type
from specrun.provenance.credentials import ALGORITHMS, ASSERTION, CredentialsError, Signature, sign
from specrun.provenance.embed import embed, extract


@pytest.fixture(scope="module")
def signature() -> Signature:
    chain, key = signer()
    return Signature(certificates=chain, private_key=key)


def read(data: bytes) -> tuple[str | None, dict[str, Any]]:
    with c2pa.Reader(media_type(data), io.BytesIO(data)) as reader:
        return reader.get_validation_state(), json.loads(reader.json())


def active(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["manifests"][document["active_manifest"]]
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_a_signed_image_says_that_it_is_generated_and_by_what(signature: Signature, kind: str) -> None:
    data = encoded(kind)
    signed = sign(data, facts(data), signature)
    state, document = read(signed)
    assert state == "Valid"
    told = {each["label"]: each["data"] for each in active(document)["assertions"]}
    (action,) = told["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert action["softwareAgent"]["name"] == "black-forest-labs/FLUX.1-dev"
    assert told[ASSERTION]["facts"]["params"]["prompt"] == "ein Käse"
    with Image.open(io.BytesIO(signed)) as after, Image.open(io.BytesIO(data)) as before:
        assert after.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


def test_a_delivered_image_keeps_its_facts_under_the_signature(signature: Signature) -> None:
    data = encoded("PNG")
    signed = sign(embed(data, facts(data)), facts(data), signature)
    assert extract(signed) == facts(data)


def test_a_changed_byte_breaks_the_signature(signature: Signature) -> None:
    data = encoded("PNG")
    signed = bytearray(sign(data, facts(data), signature))
    signed[-20] ^= 1
    assert read(bytes(signed))[0] == "Invalid"


def test_what_its_maker_signed_becomes_the_parent(signature: Signature) -> None:
    data = encoded("PNG")
    theirs = sign(data, facts(data, model="maker/model"), signature)
    state, document = read(sign(theirs, facts(data), signature))
    assert state == "Valid"
    assert len(document["manifests"]) == 2
    assert [each["relationship"] for each in active(document)["ingredients"]] == ["parentOf"]


def test_what_is_withheld_is_not_signed_either(signature: Signature) -> None:
    data = encoded("PNG")
    quiet = facts(data, model=None, params={"steps": 28}, omitted=("model", "prompt"))
    _, document = read(sign(data, quiet, signature))
    text = json.dumps(document)
    assert "Käse" not in text
    assert "FLUX" not in text


def test_a_key_that_is_none_is_told(signature: Signature) -> None:
    data = encoded("PNG")
    with pytest.raises(CredentialsError):
        sign(data, facts(data), Signature(certificates=signature.certificates, private_key=b"no key"))
    with pytest.raises(CredentialsError, match="no image"):
        sign(b"text", facts(data), signature)


def test_the_command_line_offers_what_the_library_knows() -> None:
    from specrun.cli.export import _ALGORITHMS

    assert _ALGORITHMS == ALGORITHMS
