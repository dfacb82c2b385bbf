"""Each kind of damage is found, told with its fix, and gone once the fix is done."""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from made import Made, begin
from PIL import Image, PngImagePlugin

from specrun.model.lock import State
from specrun.verify.finding import Finding, Kind

CAT, OWL = "animals[animal=cat]", "animals[animal=owl]"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    begin(folder).apply()
    return folder


@pytest.fixture
def made(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Made(tmp_path)


def apply(made: Made, _: Finding) -> None:
    made.apply()


def delete(made: Made, found: Finding) -> None:
    path = made.folder / found.subject
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink()


def delete_then_apply(made: Made, found: Finding) -> None:
    delete(made, found)
    made.apply()


def repair(made: Made, _: Finding) -> None:
    made.verify(store=True, mend=lambda _: None)


def from_git(made: Made, _: Finding) -> None:
    shutil.copy(made.folder / "committed.lock.json", made.lock_file)


def from_git_then_apply(made: Made, found: Finding) -> None:
    from_git(made, found)
    made.apply()


def missing(made: Made) -> None:
    made.file(CAT).unlink()


def empty(made: Made) -> None:
    made.file(CAT).write_bytes(b"")


def cut_short(made: Made) -> None:
    made.file(CAT).write_bytes(made.file(CAT).read_bytes()[:-500])


def one_bit_of_the_picture(made: Made) -> None:
    data = bytearray(made.file(CAT).read_bytes())
    data[len(data) // 2] ^= 1
    made.file(CAT).write_bytes(data)


def a_text(made: Made) -> None:
    made.file(CAT).write_text("<html>gone</html>")


def one_pixel(made: Made) -> None:
    with Image.open(made.file(CAT)) as opened:
        image = opened.convert("RGB")
    image.putpixel((9, 9), (1, 2, 3))
    image.save(made.file(CAT))


def encoded_anew(made: Made) -> None:
    with Image.open(made.file(CAT)) as image:
        image.save(made.file(CAT), compress_level=1)


def another_size(made: Made) -> None:
    with Image.open(made.file(CAT)) as image:
        smaller = image.resize((64, 64))
    smaller.save(made.file(CAT))


def another_format(made: Made) -> None:
    with Image.open(made.file(CAT)) as image:
        data = io.BytesIO()
        image.convert("RGB").save(data, "JPEG")
    made.file(CAT).write_bytes(data.getvalue())


def a_note_added(made: Made) -> None:
    data = made.file(CAT).read_bytes()
    note = b"\0\0\0\x09tEXtNote\0edit"
    made.file(CAT).write_bytes(data[:33] + note + PngImagePlugin._crc32(note[4:]).to_bytes(4, "big") + data[33:])


def facts_changed(made: Made) -> None:
    data = made.file(CAT).read_bytes()
    start = data.index(b"XML:com.adobe.xmp") - 8
    length = int.from_bytes(data[start : start + 4], "big")
    body = data[start + 4 : start + 8 + length].replace(b'"take":1', b'"take":7')
    check = PngImagePlugin._crc32(body).to_bytes(4, "big")
    made.file(CAT).write_bytes(data[: start + 4] + body + check + data[start + 12 + length :])


def facts_taken_out(made: Made) -> None:
    made.file(CAT).write_bytes(made.blobs.read(made.output(CAT).blob))


def swapped(made: Made) -> None:
    shutil.copy(made.file(OWL), made.file(CAT))


def a_folder(made: Made) -> None:
    path = made.file(CAT)
    path.unlink()
    path.mkdir()


def a_link(made: Made) -> None:
    path = made.file(CAT)
    path.replace(made.folder / "elsewhere.png")
    path.symlink_to(made.folder / "elsewhere.png")


def a_stranger(made: Made) -> None:
    (made.outputs / "animals" / "dog.png").write_bytes(b"a dog")


def a_copy(made: Made) -> None:
    shutil.copy(made.file(CAT), made.outputs / "animals" / "cat (1).png")


def half_written(made: Made) -> None:
    (made.outputs / "animals" / ".cat.png.x1.tmp").write_bytes(b"\x89PNG")


def manifest_gone(made: Made) -> None:
    (made.outputs / "manifest.json").unlink()


def manifest_broken(made: Made) -> None:
    path = made.outputs / "manifest.json"
    path.write_text(path.read_text()[:-40])


def manifest_edited(made: Made) -> None:
    path = made.outputs / "manifest.json"
    path.write_text(path.read_text().replace('"prompt":"a cat"', '"prompt":"a dog"'))


def manifest_of_another(made: Made) -> None:
    path = made.outputs / "manifest.json"
    path.write_text(path.read_text().replace('"spec": "shots.yaml"', '"spec": "other.yaml"'))


def lock_gone(made: Made) -> None:
    made.lock_file.unlink()


def lock_in_conflict(made: Made) -> None:
    made.lock_file.write_text("<<<<<<< HEAD\n" + made.lock_file.read_text())


def lock_edited(made: Made) -> None:
    text = made.lock_file.read_text()
    made.lock_file.write_text(text.replace('"prompt":"a pair"', '"prompt":"a trio"'))


def lock_claims_twice(made: Made) -> None:
    made.relock(OWL, outputs=made.row(CAT).outputs)


def prompt_changed(made: Made) -> None:
    made.edit("a {{ animal }}", "one {{ animal }}")


def run_added(made: Made) -> None:
    made.edit("[cat, owl]", "[cat, owl, fox]")


def run_removed(made: Made) -> None:
    made.edit("[cat, owl]", "[owl]")
    made.edit("animal='cat'", "animal='owl'")


def path_changed(made: Made) -> None:
    made.edit("prompt: a pair", "prompt: a pair\n    output: 'two/{{ index }}.{{ ext }}'")


def provenance_changed(made: Made) -> None:
    made.edit("provider: sandbox", "provider: sandbox\nprovenance: none")


def held(made: Made) -> None:
    made.relock(OWL, state=State.UNKNOWN, outputs=())
    made.file(CAT).with_name("owl.png").unlink()
    (made.outputs / "manifest.json").unlink()


def blob_gone(made: Made) -> None:
    made.blobs.path(made.output(CAT).blob).unlink()


def blob_rotten(made: Made) -> None:
    path = made.blobs.path(made.output(CAT).blob)
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def blob_misnamed(made: Made) -> None:
    path = made.blobs.path(made.output(CAT).blob)
    shutil.copy(path, path.with_name("copy"))


@dataclass(frozen=True)
class Damage:
    do: Callable[[Made], None]
    kind: Kind
    says: str
    advises: str
    fix: Callable[[Made, Finding], None]
    count: int = 1


DAMAGES = (
    Damage(missing, Kind.MISSING, "the image of animals[animal=cat] is gone", "apply shots.yaml` restores", apply),
    Damage(empty, Kind.UNDECODABLE, "it is empty", "apply shots.yaml` restores", apply),
    Damage(cut_short, Kind.UNDECODABLE, "broken or incomplete", "apply shots.yaml` restores", apply),
    Damage(one_bit_of_the_picture, Kind.UNDECODABLE, "broken or incomplete", "apply shots.yaml` restores", apply),
    Damage(a_text, Kind.UNDECODABLE, "it is not a PNG", "apply shots.yaml` restores", apply),
    Damage(one_pixel, Kind.MODIFIED, "1 pixel differs", "apply shots.yaml` restores", apply),
    Damage(encoded_anew, Kind.MODIFIED, "it was encoded anew; every pixel", "apply shots.yaml` restores", apply),
    Damage(another_size, Kind.MODIFIED, "it has another size", "apply shots.yaml` restores", apply),
    Damage(another_format, Kind.WRONG_TYPE, "it holds image/jpeg", "apply shots.yaml` restores", apply),
    Damage(a_note_added, Kind.MODIFIED, "its metadata was changed", "apply shots.yaml` restores", apply),
    Damage(facts_changed, Kind.MODIFIED, "its provenance was changed", "apply shots.yaml` restores", apply),
    Damage(facts_taken_out, Kind.MODIFIED, "its provenance was taken out", "apply shots.yaml` restores", apply),
    Damage(swapped, Kind.MODIFIED, "it holds the image of animals[animal=owl]", "apply shots.yaml` restores", apply),
    Damage(a_folder, Kind.MODIFIED, "a folder stands in its place", "remove it, then", delete_then_apply),
    Damage(a_link, Kind.MODIFIED, "a symbolic link stands in its place", "remove it, then", delete_then_apply),
    Damage(a_stranger, Kind.EXTRA, "no run of the spec made it", "delete it", delete),
    Damage(a_copy, Kind.EXTRA, "a copy of the image of animals[animal=cat]", "delete it", delete),
    Damage(half_written, Kind.EXTRA, "left by a program that was killed", "delete it", delete),
    Damage(manifest_gone, Kind.MANIFEST, "it is gone", "apply shots.yaml` writes it again", apply),
    Damage(manifest_broken, Kind.MANIFEST, "not valid JSON", "delete it; `specrun apply", delete_then_apply),
    Damage(
        manifest_edited,
        Kind.MANIFEST,
        "[animal=cat]: params, prompt",
        "delete it;",
        delete_then_apply,
    ),
    Damage(manifest_of_another, Kind.MANIFEST, "it belongs to other.yaml", "delete it;", delete_then_apply),
    Damage(lock_gone, Kind.LOCK, "there is no lock", "apply shots.yaml` writes it", apply),
    Damage(lock_in_conflict, Kind.LOCK, "both sides of a git merge", "specrun lock", from_git),
    Damage(lock_edited, Kind.LOCK, "the key of pairs does not follow from its row", "from git", from_git, count=3),
    Damage(lock_claims_twice, Kind.LOCK, "animals/cat.png is claimed by", "from git", from_git, count=4),
    Damage(prompt_changed, Kind.STALE, "prompt", "plan shots.yaml` shows the change; undo it", apply, count=3),
    Damage(run_added, Kind.STALE, "not made yet", "apply shots.yaml` makes it", apply),
    Damage(path_changed, Kind.STALE, "path was pairs/pairs-1.png", "apply shots.yaml` does, for nothing", apply),
    Damage(provenance_changed, Kind.STALE, "embed becomes none", "apply shots.yaml` does", apply, count=4),
    Damage(held, Kind.HELD, "got no answer", "specrun apply --retry-unknown", from_git_then_apply, count=2),
    Damage(blob_gone, Kind.STORE, "the store lacks image 1 of animals[animal=cat]", "--repair", repair),
    Damage(blob_rotten, Kind.STORE, "it does not hold what its name says", "--repair", repair),
    Damage(blob_misnamed, Kind.STORE, "it has no digest for a name", "delete it", delete),
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.do.__name__)
def test_damage_is_found_and_its_fix_mends_it(made: Made, damage: Damage) -> None:
    shutil.copy(made.lock_file, made.folder / "committed.lock.json")
    assert made.verify(store=True).findings == ()
    damage.do(made)
    findings = made.verify(store=True).findings
    told = [finding for finding in findings if finding.kind is damage.kind and damage.says in finding.detail]
    assert len(told) >= 1, findings
    assert len(findings) == damage.count, findings
    assert damage.advises in told[0].fix
    damage.fix(made, told[0])
    assert made.verify(store=True).findings == ()


def test_the_facts_beside_an_image_are_checked_like_the_image(made: Made) -> None:
    made.edit("provider: sandbox", "provider: sandbox\nprovenance: sidecar")
    made.apply()
    assert made.verify().findings == ()
    cat, owl = (made.file(address).with_name(f"{made.file(address).name}.json") for address in (CAT, OWL))
    cat.unlink()
    owl.write_text(owl.read_text().replace('"take":1', '"take":2'))
    assert [(found.kind, found.subject, found.detail) for found in made.verify().findings] == [
        (Kind.MISSING, "outputs/shots/animals/cat.png.json", "the facts beside the image are gone"),
        (Kind.MODIFIED, "outputs/shots/animals/owl.png.json", "the facts beside the image were changed"),
    ]
    made.apply()
    assert made.verify().findings == ()


def test_without_the_store_a_lost_image_is_named_with_what_it_takes(made: Made) -> None:
    shutil.rmtree(made.project.state)
    made.file(OWL).unlink()
    (found,) = made.verify().findings
    assert "bring it back from git or a backup; or `specrun apply --regenerate-lost shots.yaml` asks" in found.fix


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (prompt_changed, "`specrun plan shots.yaml` says what becomes of animals[animal=cat]"),
        (
            run_removed,
            "`specrun prune shots.yaml` lets go of it, since the spec no longer has animals[animal=cat]",
        ),
    ],
)
def test_an_apply_is_not_said_to_restore_what_the_spec_wants_no_more(
    made: Made, change: Callable[[Made], None], fix: str
) -> None:
    one_pixel(made)
    change(made)
    [found] = [each for each in made.verify().findings if each.kind is Kind.MODIFIED]
    assert (found.subject, found.fix) == ("outputs/shots/animals/cat.png", fix)


def test_parts_of_shards_are_to_be_merged_first(made: Made) -> None:
    made.lock_file.rename(made.lock_file.with_name("shots.lock.1-of-2.json"))
    (found,) = made.verify().findings
    assert "shards have left parts of it (1)" in found.detail
    assert found.fix == "`specrun merge shots.yaml` joins them"


def test_verifying_writes_nothing(made: Made) -> None:
    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in sorted(made.folder.rglob("*"))}

    missing(made)
    before = state()
    made.verify(store=True)
    assert state() == before


def test_a_stored_image_that_only_another_store_has_is_fetched(made: Made) -> None:
    elsewhere = {made.output(CAT).blob: made.blobs.read(made.output(CAT).blob)}
    made.blobs.path(made.output(CAT).blob).unlink()
    made.file(CAT).unlink()
    assert made.verify(mend=elsewhere.get).repaired == (made.output(CAT).blob,)
    made.apply()
    assert made.verify(store=True).findings == ()
