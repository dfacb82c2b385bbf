"""`specrun show`: from an address or an image back to everything that is known."""

import io
import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from made import begin
from PIL import Image, PngImagePlugin

SPEC = """\
specrun: 1
provider: sandbox
vars: {what: cat}
models: {flux: {id: black-forest-labs/FLUX.1-dev, params: {size: 256x256}}}
jobs:
  animals: {model: flux, prompt: "a {{ vars.what }}", params: {n: 2}}
"""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    begin(folder, SPEC).apply()
    return folder


@pytest.fixture
def made(pristine: Path, specrun: Any) -> Any:
    shutil.copytree(pristine, specrun.folder, dirs_exist_ok=True)
    return specrun


def image(made: Any) -> Path:
    return Path(made.folder) / "outputs/shots/animals/animals-1.png"


def condition(made: Any, data: bytes, name: str = "elsewhere.bin") -> str:
    path = made.folder.with_name(f"{made.folder.name}-{name}")
    path.write_bytes(data)
    return str(json.loads(made("show", "--format", "json", str(path)).out)["detail"])


def test_a_run_is_shown_with_request_key_attempts_and_images(made: Any) -> None:
    out = made("show", "animals").out
    for told in (
        "animals (shots.yaml)",
        "plan            keep: as locked",
        '{"model":"black-forest-labs/FLUX.1-dev","params":{',
        "image 1         outputs/shots/animals/animals-1.png  as delivered, in the store",
        "received, take 1, status 200",
        "again           specrun apply --replace animals --target animals shots.yaml",
    ):
        assert told in out


def test_a_run_says_what_the_plan_would_do_about_it(made: Any) -> None:
    (made.folder / "shots.yaml").write_text(SPEC.replace("a {{", "one {{"))
    assert "plan            replace: prompt changes" in made("show", "animals").out


def test_a_run_that_is_not_locked_yet_is_shown_from_its_spec(specrun: Any) -> None:
    (specrun.folder / "shots.yaml").write_text(SPEC)
    out = specrun("show", "--spec", "shots.yaml", "animals").out
    assert "plan            create: not made yet" in out
    assert "attempt" not in out


def test_the_canonical_request_hashes_to_the_key(made: Any) -> None:
    import hashlib

    lines = {line[2:18].strip(): line[18:] for line in made("show", "animals").out.splitlines()[1:]}
    assert "sha256:" + hashlib.sha256(lines["is SHA-256 of"].encode()).hexdigest() == lines["key"]


def test_an_image_finds_its_way_back_under_any_name(made: Any) -> None:
    path = made.folder.with_name(f"{made.folder.name}-renamed")
    shutil.copy(image(made), path)
    told = json.loads(made("show", "--format", "json", str(path)).out)
    assert told["condition"] == "delivered"
    assert told["origin"] == {
        "spec": "shots.yaml",
        "address": "animals",
        "index": 1,
        "path": "animals/animals-1.png",
        "current": True,
        "commit": None,
    }
    assert told["provenance"]["params"]["prompt"] == "a cat"
    assert told["again"] == "specrun apply --replace animals --target animals shots.yaml"


def test_a_changed_pixel_changed_metadata_and_a_new_encoding_are_told_apart(made: Any) -> None:
    data = image(made).read_bytes()
    with Image.open(io.BytesIO(data)) as opened:
        picture, xmp = opened.convert("RGB"), opened.info["XML:com.adobe.xmp"]
    keep = PngImagePlugin.PngInfo()
    keep.add_itxt("XML:com.adobe.xmp", xmp)
    anew, painted = io.BytesIO(), io.BytesIO()
    picture.save(anew, "PNG", pnginfo=keep, compress_level=1)
    picture.putpixel((5, 5), (1, 2, 3))
    picture.save(painted, "PNG", pnginfo=keep)
    lossy = io.BytesIO()
    picture.save(lossy, "JPEG", quality=30, xmp=xmp.encode())
    assert condition(made, data) == "as delivered, byte for byte"
    assert "every pixel is as received" in condition(made, anew.getvalue())
    assert "1 pixel differs" in condition(made, painted.getvalue())
    assert "pixels differ, by" in condition(made, lossy.getvalue())
    note = b"tEXtNote\0edited"
    check = PngImagePlugin._crc32(note).to_bytes(4, "big")
    noted = data[:33] + (len(note) - 4).to_bytes(4, "big") + note + check + data[33:]
    assert "its metadata was changed; the picture is as received" in condition(made, noted)
    start = data.index(b"XML:com.adobe.xmp") - 8
    length = int.from_bytes(data[start : start + 4], "big")
    body = data[start + 4 : start + 8 + length].replace(b"a cat", b"a dog")
    check = PngImagePlugin._crc32(body).to_bytes(4, "big")
    retold = data[: start + 4] + body + check + data[start + 12 + length :]
    assert "what its metadata says of it was changed" in condition(made, retold)


def test_the_bytes_received_are_known_without_any_metadata(made: Any) -> None:
    blob = next((made.folder / ".specrun/store").glob("??/*")).read_bytes()
    assert condition(made, blob).startswith("as received from the server")


def test_an_image_that_was_replaced_since_says_so(made: Any) -> None:
    old = image(made).read_bytes()
    made("apply", "--yes", "--replace", "animals", "shots.yaml", code=None)
    (made.folder / "old.png").write_bytes(old)
    told = json.loads(made("show", "--format", "json", "old.png").out)
    assert told["condition"] == "delivered"
    assert told["provenance"]["take"] == 1


def requests_again(made: Any) -> tuple[str, int]:
    """Run the command that is said to make the images again; return it, and how many requests it sent."""
    command = json.loads(made("show", "--format", "json", "animals").out)["again"]
    out = made(*shlex.split(command)[1:], "--yes").out
    return command, int(out.rpartition("Requests: ")[2].partition(".")[0])


def test_what_is_said_to_make_a_run_again_does_so_as_things_stand(made: Any) -> None:
    apply = "specrun apply --target animals shots.yaml"
    assert requests_again(made) == ("specrun apply --replace animals --target animals shots.yaml", 1)
    image(made).unlink()
    assert requests_again(made) == (apply, 0)
    (made.folder / "shots.yaml").write_text(SPEC.replace("a {{", "one {{"))
    assert requests_again(made) == (apply, 1)
    (made.folder / "shots.yaml").write_text(SPEC.replace("animals:", "others:"))
    assert json.loads(made("show", "--format", "json", "animals").out)["again"] is None


def test_a_stranger_is_not_claimed(made: Any) -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "PNG")
    assert condition(made, data.getvalue()) == "nothing says that specrun made it"


def test_what_is_no_image_is_refused(made: Any) -> None:
    (made.folder / "fake.png").write_text("no")
    assert "fake.png is not a PNG" in made("show", "fake.png", code=1).err


@pytest.mark.skipif(shutil.which("git") is None, reason="git tells the commit")
def test_the_commit_that_locked_an_image_is_named(made: Any) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments],
            cwd=made.folder,
            check=True,
            capture_output=True,
        )

    git("init", "-q")
    git("add", "shots.yaml", "shots.lock.json")
    git("commit", "-qm", "Make cats")
    (made.folder / "note.txt").write_text("later")
    git("add", "note.txt")
    git("commit", "-qm", "Something else")
    out = made("show", str(image(made))).out
    assert " Ann: Make cats" in out


def test_an_address_that_nobody_knows_gets_the_nearest(made: Any) -> None:
    assert "near: animals" in made("show", "anmals", code=64).err


def test_variables_are_shown_with_who_said_so(specrun: Any) -> None:
    (specrun.folder / "shots.yaml").write_text(SPEC)
    assert specrun("show", "--vars", "shots.yaml").out == 'what = "cat"  shots.yaml:3:14\n'
    told = specrun("show", "--vars", "--var", "what=dog", "shots.yaml", env={"SPECRUN_VAR_what": "owl"}).out
    assert told == 'what = "dog"  --var\n  not "owl"  SPECRUN_VAR_what\n  not "cat"  shots.yaml:3:14\n'
