import re
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.model.output_path import folded
from specrun.plan.labels import LONGEST_NAME, address, label_of, quoted, slug
from specrun.plan.paths import (
    PathProblemError,
    all_plain,
    checked,
    default_paths,
    indexed,
    shortened,
    with_extension,
)

ANY = st.text(st.characters(exclude_categories=["Cs"]))
# What attacks are made of, in any order.
NASTY = st.lists(
    st.sampled_from(
        ["..", ".", "/", "\\", "~", "a", "C:", "CON", "nul.png", "manifest.json", " ", "\0", "\n", "é", ":", "日"]
    )
).map("".join)
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def assert_safe(path: str) -> None:
    """Whatever the disk, a path stays below the folder that it is put in, and is a file's name."""
    root = Path("/project/outputs/shots")
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path).resolve() != root
    assert not PurePosixPath(path).is_absolute()
    assert not PureWindowsPath(path).drive
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not any(DEVICE.fullmatch(part) or part[-1] in ". " for part in parts)
    assert all(len(part.encode()) <= 255 for part in parts)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\u202a-\u202e]", path)
    assert "manifest.json" not in folded(path).split("/")


@given(ANY | NASTY)
def test_a_path_that_is_let_through_stays_in_its_folder_on_any_disk(path: str) -> None:
    try:
        assert_safe(checked(path))
    except PathProblemError:
        return


@given(ANY | NASTY)
def test_whatever_a_template_gives_is_cut_typed_and_checked_to_a_safe_path(text: str) -> None:
    path = with_extension(shortened(text), "png")
    try:
        found = checked(indexed(path, 7))
    except PathProblemError:
        return
    assert_safe(found)
    assert found.endswith("-7.png")
    assert all(len(part.encode()) <= LONGEST_NAME + 9 + len("-7.png") for part in found.split("/"))


def default_path(job: str, labels: tuple[str, ...], sample: int | None) -> str:
    [path] = default_paths(job, [[label] for label in labels], None if sample is None else [sample], 1)
    return path


@given(st.lists(ANY | NASTY | st.from_regex(r"[a-z0-9_/-]{1,12}\.(png|jpg)", fullmatch=True), min_size=1, max_size=4))
def test_paths_that_pass_together_are_those_that_each_pass_unchanged(paths: list[str]) -> None:
    if all_plain(paths, "png"):
        assert [checked(with_extension(shortened(path), "png")) for path in paths] == paths


@given(st.lists(ANY | NASTY, max_size=4), st.none() | st.integers(1, 99))
def test_a_default_path_is_always_safe(labels: list[str], sample: int | None) -> None:
    path = default_path("job", tuple(labels), sample)
    assert_safe(checked(with_extension(path, "png")))
    assert all(len(part.encode()) <= LONGEST_NAME + 12 for part in path.split("/"))


@given(ANY | NASTY)
def test_a_slug_is_ascii_and_never_empty(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Red Fox", "red-fox"),
        ("Ölbaum & Söhne", "olbaum-sohne"),
        ("straße", "strasse"),
        ("fox\N{EM DASH}red", "fox-red"),
        ("  --a--  ", "a"),
        ("16:9", "16-9"),
        ("ﬁne", "fine"),
        ("日本", "cf2abf0c"),
        ("", "e3b0c442"),
        ("!!!", "e84c538e"),
    ],
)
def test_slugs_read_like_what_they_stand_for(text: str, found: str) -> None:
    assert slug(text) == found


def test_a_name_that_is_a_device_on_windows_is_told_apart_by_a_hash() -> None:
    assert default_path("job", ("con",), None) == "job/con-1143da2b"
    assert default_path("job", ("con", "a"), None) == "job/con-a"
    assert default_path("job", ("COM1",), 2) == "job/com1-2"


LONG = "word " * 60


def test_a_long_name_is_cut_and_told_apart_by_a_hash() -> None:
    one, two = default_path("job", (LONG, "a"), None), default_path("job", (LONG, "b"), None)
    assert one != two
    assert one.startswith("job/word-word-word-")
    assert len(one) <= len("job/") + LONGEST_NAME + 9
    assert shortened(f"{LONG}.png").endswith(".png")


@given(st.lists(st.tuples(st.sampled_from("abc"), ANY), min_size=1, max_size=3))
def test_two_cells_never_have_one_address(axes: list[tuple[str, str]]) -> None:
    other = [(name, label + "x") for name, label in axes]
    assert address("job", axes) != address("job", other)
    assert "\n" not in address("job", axes)


@given(ANY)
def test_a_label_stands_bare_only_where_it_cannot_be_misread(label: str) -> None:
    bare = quoted(label)
    if bare == label:
        assert not set(label) & set('[]=,"*? \n')
    else:
        assert bare.startswith('"')


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("red", "red"),
        (3, "3"),
        (3.0, "3"),
        (0.5, "0.5"),
        (True, "true"),
        (None, "null"),
        ({"id": 7, "name": "x"}, "7"),
        ({"id": "", "sku": "A1"}, "A1"),
        ({"id": None, "slug": "s"}, "s"),
        ({"id": [1], "name": "n"}, "n"),
        ({"key": "k"}, "k"),
        ({"title": "t"}, "fd32f019"),
        (["a", "b"], "0473ef2d"),
    ],
)
def test_a_value_is_called_by_itself_its_name_or_its_digest(value: object, label: str) -> None:
    assert label_of(value) == label
