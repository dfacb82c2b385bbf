"""What locks, manifests and saved plans name, held to the rules of output paths as they are read."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.canonical import digest
from specrun.diagnostics import InvalidInputError
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.path_rules import PathProblemError, checked, checked_image
from specrun.plan.saved import read_saved
from specrun.store.blobs import Blobs
from specrun.store.lockfile import lock_bytes, parse_lock
from specrun.store.manifest import read_manifest

BLOB = digest(b"pixels")
BAD_PATHS = (
    "../../../victim.png",
    "/etc/victim.png",
    "~/victim.png",
    "a/../../victim.png",
    "a\\..\\victim.png",
    "C:/victim.png",
    "a//b.png",
    "./a.png",
    "a/\x00.png",
    "CON.png",
    "CON .png",
    "COM1 .tar.png",
    "com¹.png",
    "aux/a.png",
    "NUL:x.png",
    "a./b.png",
    "a /b.png",
    "manifest.json",
    "notes.txt",
    "victim",
)
NASTY = st.lists(
    st.sampled_from(["..", ".", "/", "\\", "~", "a", "C:", "CON", "nul", "manifest.json", " ", "\0", "é", "x.png"])
).map("".join)


def locked(
    path: str = "shots/a.png", *, blob: str = BLOB, file: str = BLOB, name: str = "shots", spec: str = "s/shots.yaml"
) -> bytes:
    row = LockRow(
        address="shots",
        key=BLOB,
        request_digest=BLOB,
        seed=1,
        provider="p",
        model="m",
        params={},
        defaults=(),
        revision=1,
        sample=1,
        schema_digest=BLOB,
        inputs={},
        outputs=(LockedOutput(index=1, path=path, blob=blob, file=file),),
    )
    return lock_bytes(Lock(spec=spec, name=name, rows={"shots": row}))


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_lock_that_names_a_path_no_output_has_is_refused_with_its_place(path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_lock(locked(path), Path("s/shots.lock.json"))
    (fault,) = caught.value.diagnostics
    assert fault.summary == "lock that names what it may not"
    assert (fault.span and fault.span.line) == 8
    assert "from git" in fault.hint


@pytest.mark.parametrize(
    "bad",
    [
        locked(blob="sha256:../../../etc/passwd"),
        locked(blob="sha256:" + "A" * 64),
        locked(blob=BLOB[:-1]),
        locked(name=".."),
        locked(name="../../tmp"),
        locked(spec="../../else.yaml"),
        locked(spec="/etc/passwd"),
    ],
)
def test_digests_names_and_specs_are_held_to_their_forms_too(bad: bytes) -> None:
    with pytest.raises(InvalidInputError, match="names what it may not"):
        parse_lock(bad, Path("s/shots.lock.json"))


@given(NASTY)
def test_a_lock_is_read_with_a_path_just_where_the_path_would_do_for_an_output(path: str) -> None:
    try:
        checked_image(path)
        sound = True
    except PathProblemError:
        sound = False
    try:
        parse_lock(locked(path), Path("s/shots.lock.json"))
        read = True
    except InvalidInputError:
        read = False
    assert read == sound
    if read:
        assert Path("/outputs/shots", path).resolve().is_relative_to("/outputs/shots")


@pytest.mark.parametrize("name", ["CON .png", "com1 .x.png", "LPT³ .png", "CONIN$ .png", "a/PRN  .png", "aux:.png"])
def test_devices_are_refused_as_windows_has_them(name: str) -> None:
    with pytest.raises(PathProblemError, match="is a device on Windows"):
        checked(name)


@pytest.mark.parametrize("name", ["CONtrast.png", "a-con.png", "com10.png", "console .png", "nul1.png"])
def test_what_only_looks_like_a_device_is_a_name(name: str) -> None:
    assert checked(name) == name


def test_a_manifest_that_names_what_it_may_not_is_refused(tmp_path: Path) -> None:
    head = '{"format_version": "1.0", "name": "../x", "spec": "../shots.yaml", "outputs": []}'
    (tmp_path / "manifest.json").write_text(head)
    with pytest.raises(InvalidInputError) as caught:
        read_manifest(tmp_path)
    assert len(caught.value.diagnostics) == 2


def sealed(plan: dict[str, object]) -> bytes:
    """Return a plan as it is saved, with the digest of all before it."""
    text = msgspec.json.encode(plan).removesuffix(b"}")
    return text + b',\n"content": ' + msgspec.json.encode(digest(text)) + b"\n}\n"


@pytest.mark.parametrize("changed", [{"spec": "/etc/shots.yaml"}, {"spec": "../shots.yaml"}, {"name": "../x"}])
def test_a_saved_plan_that_names_what_it_may_not_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    plan = {"format_version": "1.0", "spec": "shots.yaml", "name": "shots", "digest": BLOB, "bound": {}, "actions": []}
    asked: dict[str, object] = {
        "variant": None,
        "vars": {},
        "targets": [],
        "replace": [],
        "retry_unknown": False,
        "regenerate_lost": False,
    }
    path = tmp_path / "plan.json"
    path.write_bytes(sealed({**plan, "asked": asked}))
    assert read_saved(path).name == "shots"
    path.write_bytes(sealed({**plan, "asked": asked, **changed}))
    with pytest.raises(InvalidInputError, match="plan that names what it may not"):
        read_saved(path)


@pytest.mark.parametrize("blob", ["sha256:../../victim", "../victim", "", "sha256:" + "g" * 64])
def test_the_store_looks_for_nothing_by_what_is_no_digest(tmp_path: Path, blob: str) -> None:
    (tmp_path / "victim").write_bytes(b"secret")
    blobs = Blobs(tmp_path / "a/b/store")
    assert not blobs.has(blob)
    with pytest.raises(FileNotFoundError):
        blobs.read(blob)
