"""Facts go into images and out again; all else stays as it was."""

import hashlib
import html
import io
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import PROFILE, SAMPLES, XMP, animation, encoded, exif, facts, picture
from PIL import Image, ImageSequence

from specrun.canonical import digest
from specrun.imaging import decode_image
from specrun.provenance.embed import embed, extract, original
from specrun.provenance.facts import ProvenanceError
from specrun.provenance.xmp import CannotEmbedError

SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "tc260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}


@pytest.fixture(params=SAMPLES, ids=str)
def received(request: pytest.FixtureRequest) -> bytes:
    return SAMPLES[request.param]()


def look(data: bytes) -> list[Any]:
    """Return everything that a viewer sees: pixels, timing, colour profile, orientation, resolution."""
    with Image.open(io.BytesIO(data)) as image:
        frames: list[Any] = [
            (frame.mode, frame.size, frame.tobytes(), frame.info.get("duration"), frame.info.get("transparency"))
            for frame in ImageSequence.Iterator(image)
        ]
        return [*frames, *(image.info.get(name) for name in ("icc_profile", "exif", "loop", "dpi", "Software"))]


def packet(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
        return found.encode() if isinstance(found, str) else found


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length


def test_pixels_profile_timing_and_foreign_metadata_stay_as_they_were(received: bytes) -> None:
    delivered = embed(received, facts(received))
    assert delivered != received
    assert look(delivered) == look(received)
    decode_image(delivered)


def test_the_facts_are_read_back_and_the_bytes_received_come_out_again(received: bytes) -> None:
    delivered = embed(received, facts(received))
    assert extract(delivered) == facts(received)
    assert original(delivered, digest(received)) == received
    assert extract(received) is None
    assert original(received, digest(received)) == received


def test_the_same_facts_give_the_same_bytes_whatever_order_they_are_in() -> None:
    data = encoded("PNG")
    turned = dict(reversed(dict(facts(data).params or {}).items()))
    assert embed(data, facts(data)) == embed(data, facts(data, params=turned))


def test_version_one_of_the_embedding_stays_as_it_was_released() -> None:
    one_pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
        "0000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
    )
    delivered = embed(one_pixel, facts(one_pixel))
    assert hashlib.sha256(delivered).hexdigest() == ("93ff644e59fe321c40996bf66338f0ffb94ab9b0065b7ed7598f7bda2d2c819d")


def test_a_png_keeps_its_other_chunks_in_their_order() -> None:
    data = SAMPLES["png-icc-exif"]()
    before, after = list(png_chunks(data)), list(png_chunks(embed(data, facts(data))))
    assert after[1][0] == b"iTXt"
    assert [*after[:1], *after[2:]] == before


def test_in_a_jpeg_the_facts_stand_behind_the_headers_that_must_lead() -> None:
    data = encoded("JPEG", icc_profile=PROFILE, exif=exif(), dpi=(72, 72))
    delivered = embed(data, facts(data))
    order = [delivered.index(mark) for mark in (b"JFIF\0", b"Exif\0", b"http://ns.adobe.com/xap/", b"ICC_PROFILE")]
    assert order == sorted(order)


def test_the_standard_fields_say_that_the_image_is_generated_and_by_what() -> None:
    data = encoded("PNG")
    root = ET.fromstring(packet(embed(data, facts(data, params={"prompt": 'a <b> & "c"\r\nd'}))))
    said = {element.tag.partition("}")[2]: element.text for element in root.iterfind(".//rdf:Description/*", SPACES)}
    assert said["DigitalSourceType"] == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert said["AISystemUsed"] == "black-forest-labs/FLUX.1-dev"
    assert said["AIPromptInformation"] == 'a <b> & "c"\nd'
    assert said["CreatorTool"] == "specrun 0.1.0"
    assert said["AIGC"] == (
        f'{{"Label":"1","ContentProducer":"modelverse","ProduceID":"{digest(data)}","ReservedCode1":"",'
        '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
    )


@pytest.mark.parametrize("kind", ["png-xmp", "jpeg-xmp", "webp-xmp"])
def test_metadata_that_was_there_stays_word_for_word_and_no_property_is_said_twice(kind: str) -> None:
    data = SAMPLES[kind]()
    before, after = packet(data), packet(embed(data, facts(data)))
    head, _, tail = before.partition(b"</rdf:RDF>")
    assert after.startswith(head)
    assert after.endswith(tail)
    assert after.count(b"CreatorTool") == 1
    assert b'xmp:CreatorTool="Service 3"' in after
    assert b"trainedAlgorithmicMedia" in after


NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15)


@given(prompt=st.text(st.characters(exclude_categories=["Cs"])), value=st.none() | st.booleans() | NUMBERS)
def test_any_text_and_number_comes_back(prompt: str, value: Any) -> None:
    data = encoded("PNG")
    said = facts(data, params={"prompt": prompt, "value": value})
    delivered = embed(data, said)
    assert extract(delivered) == said
    assert original(delivered, said.blob) == data
    ET.fromstring(packet(delivered))


def test_facts_survive_a_program_that_writes_the_metadata_anew() -> None:
    data = encoded("PNG")
    said = html.escape(_told(packet(embed(data, facts(data)))), quote=True)
    other = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:ns1="urn:specrun:provenance/" ns1:Provenance="{said}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    assert extract(encoded("JPEG", xmp=other.encode())) == facts(data)


def test_a_changed_byte_of_the_facts_is_noticed() -> None:
    data = encoded("PNG")
    delivered = embed(data, facts(data))
    forged = extract(delivered.replace(b'"take":1', b'"take":2'))
    assert forged is not None
    assert (forged.take, forged.intact) == (2, False)
    for damage in ((b'{"digest"', b'|"digest"'), (b"<specrun:Provenance>", b"<specrun:Provenanse>")):
        with pytest.raises(ProvenanceError, match="is damaged"):
            extract(delivered.replace(*damage))


def test_facts_from_anywhere_cannot_name_a_path_in_the_store() -> None:
    data = encoded("PNG")
    delivered = embed(data, facts(data, blob="sha256:../../../etc/passwd"))
    with pytest.raises(ProvenanceError, match="names no digest"):
        extract(delivered)


def test_a_packet_full_of_beginnings_is_read_in_no_time() -> None:
    begun = b"<rdf:Description rdf:about='' xmlns:specrun='" * 100_000
    data = encoded("WEBP", xmp=XMP.replace(b"</rdf:RDF>", begun + b"</rdf:RDF>"))
    assert original(data, digest(b"")) is None
    with pytest.raises(ProvenanceError, match="is damaged"):
        extract(encoded("WEBP", xmp=begun + b"urn:specrun:provenance/"))


def test_what_is_not_as_received_is_not_passed_off_as_that() -> None:
    data = encoded("PNG", picture("P"))
    delivered = bytearray(embed(data, facts(data)))
    delivered[-30] ^= 1
    assert original(bytes(delivered), digest(data)) is None


def test_facts_of_a_newer_specrun_are_read_as_far_as_they_are_known() -> None:
    data = encoded("PNG")
    told = _told(packet(embed(data, facts(data)))).replace('"version":1', '"version":9,"zeal":"x"')
    newer = XMP.replace(
        b"</rdf:RDF>",
        b"<rdf:Description rdf:about='' xmlns:specrun='urn:specrun:provenance/'><specrun:Provenance>"
        + html.escape(told, quote=False).encode()
        + b"</specrun:Provenance></rdf:Description></rdf:RDF>",
    )
    found = extract(encoded("JPEG", xmp=newer))
    assert found is not None
    assert (found.version, found.spec) == (9, "shots")


def _told(found: bytes) -> str:
    text = found.partition(b"<specrun:Provenance>")[2].partition(b"<")[0]
    return html.unescape(text.decode())


def _with_png_chunk(kind: bytes, body: bytes) -> bytes:
    data = encoded("PNG")
    chunk = len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


def _with_webp_chunk(kind: bytes, body: bytes) -> bytes:
    data = encoded("WEBP", exif=exif()) + kind + len(body).to_bytes(4, "little") + body
    return data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]


def _jpeg_with_app11(body: bytes) -> bytes:
    data = encoded("JPEG")
    return data[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


COMPRESSED_XMP = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)

NO_PLACE = {
    "gif": (encoded("GIF"), "is image/gif"),
    "avif": (encoded("AVIF"), "is image/avif"),
    "text": (b"no image at all", "no image of a known kind"),
    "signed-png": (_with_png_chunk(b"caBX", b"jumb"), "Content Credentials"),
    "signed-jpeg": (_jpeg_with_app11(b"JP\0\1jumbc2pa"), "Content Credentials"),
    "signed-webp": (_with_webp_chunk(b"C2PA", b"jumb"), "Content Credentials"),
    "compressed": (_with_png_chunk(b"iTXt", COMPRESSED_XMP), "compressed"),
    "not-rdf": (encoded("JPEG", xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), "nothing can be added"),
    "cut-png": (encoded("PNG")[:20], "middle of a chunk"),
    "cut-jpeg": (encoded("JPEG")[:40], "ends"),
    "cut-webp": (encoded("WEBP")[:-3], "middle of a chunk"),
}


@pytest.mark.parametrize(("data", "why"), NO_PLACE.values(), ids=NO_PLACE)
def test_what_has_no_place_for_facts_is_left_alone(data: bytes, why: str) -> None:
    with pytest.raises(CannotEmbedError, match=why):
        embed(data, facts(data))


def test_a_jpeg_says_when_the_facts_do_not_fit() -> None:
    data = encoded("JPEG")
    with pytest.raises(CannotEmbedError, match="64 KiB"):
        embed(data, facts(data, params={"prompt": "x" * 40_000}))


def test_an_image_that_was_delivered_before_is_not_stamped_twice() -> None:
    data = encoded("PNG")
    delivered = embed(data, facts(data))
    with pytest.raises(CannotEmbedError, match="earlier delivery"):
        embed(delivered, facts(delivered))


def test_an_embedding_of_a_newer_specrun_cannot_be_written() -> None:
    data = encoded("PNG")
    with pytest.raises(CannotEmbedError, match="version 99"):
        embed(data, facts(data, version=99))


def test_a_prompt_that_is_withheld_stands_nowhere() -> None:
    data = encoded("PNG")
    secret = facts(data, params={"steps": 28}, omitted=("prompt",))
    assert b"AIPromptInformation" not in embed(data, secret)


def test_animations_have_all_their_frames() -> None:
    for kind in ("PNG", "WEBP"):
        data = animation(kind)
        with Image.open(io.BytesIO(embed(data, facts(data)))) as image:
            assert getattr(image, "n_frames", 1) == 4


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool, another reader of the fields, is not installed")
def test_another_program_reads_the_fields_and_has_no_complaint(received: bytes, tmp_path: Path) -> None:
    path = tmp_path / "renamed"
    path.write_bytes(received)
    complaints = _exiftool(path, "-validate")
    path.write_bytes(embed(received, facts(received)))
    assert _exiftool(path, "-validate") == complaints
    told = _exiftool(path, "-DigitalSourceType", "-AIGC", "-XMP-specrun:all")
    assert "trainedAlgorithmicMedia" in told
    assert '"Label":"1"' in told
    assert '"spec":"shots"' in told


def _exiftool(path: Path, *arguments: str) -> str:
    return subprocess.run(["exiftool", "-s", *arguments, path], capture_output=True, text=True, check=True).stdout
