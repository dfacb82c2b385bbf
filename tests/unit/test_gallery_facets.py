from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.canonical import Json
from specrun.pages.facets import MOST_VALUES, facets_of, natural
from specrun.pages.sheet import Param, Status, Tile, Tone

MADE = Status(word="made")
FAILED = Status(word="failed", tone=Tone.WRONG)


def tile(
    job: str = "shots",
    axes: Mapping[str, str] | None = None,
    *,
    status: Status = MADE,
    model: str = "m",
    images: int = 1,
    index: int = 1,
    params: Mapping[str, Json] | None = None,
) -> Tile:
    return Tile(
        address=job,
        job=job,
        axes=tuple((axes or {}).items()),
        status=status,
        model=model,
        images=images,
        index=index,
        params=tuple(Param(name=name, value=value) for name, value in (params or {}).items()),
    )


def shape(*tiles: Tile) -> dict[str, tuple[str, ...]]:
    return {facet.name: facet.values for facet in facets_of(tiles)}


def test_axes_are_facets_in_the_order_written_with_values_in_the_order_they_come() -> None:
    tiles = [tile(axes={"size": size, "colour": colour}) for size in ("small", "large") for colour in ("red", "blue")]
    facets = facets_of(tiles)
    assert [(facet.name, facet.values) for facet in facets] == [
        ("size", ("small", "large")),
        ("colour", ("red", "blue")),
    ]
    assert facets[1].places == (0, 1, 0, 1)
    assert all(facet.axis for facet in facets)


def test_what_all_tiles_share_is_no_facet() -> None:
    assert shape(tile(axes={"a": "1"}), tile(axes={"a": "1"})) == {}


def test_a_tile_of_another_job_has_no_place_on_an_axis_it_lacks() -> None:
    facets = facets_of([tile("a", {"x": "1"}), tile("a", {"x": "2"}), tile("b")])
    assert [(facet.name, facet.places) for facet in facets] == [("job", (0, 0, 1)), ("x", (0, 1, -1))]


def test_parameters_that_vary_are_facets_sorted_as_numbers() -> None:
    tiles = [tile(params={"steps": steps, "size": "1x1"}) for steps in (100, 20, 3.5)]
    assert shape(*tiles) == {"steps": ("3.5", "20", "100")}


def test_a_parameter_with_too_many_values_is_left_to_the_search() -> None:
    assert shape(*(tile(params={"steps": steps}) for steps in range(MOST_VALUES))) != {}
    assert shape(*(tile(params={"steps": steps}) for steps in range(MOST_VALUES + 1))) == {}


def test_an_axis_stands_for_the_parameter_and_the_model_of_its_name() -> None:
    tiles = [tile(axes={"model": name, "steps": name}, model=f"acme/{name}", params={"steps": name}) for name in "ab"]
    assert shape(*tiles) == {"model": ("a", "b"), "steps": ("a", "b")}


def test_images_of_one_run_and_what_went_wrong_are_facets() -> None:
    tiles = [tile(images=2, index=1), tile(images=2, index=2), tile(status=FAILED)]
    assert shape(*tiles) == {"image": ("1", "2"), "status": ("failed", "made")}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["10", "9", "1"], ["1", "9", "10"]),
        (["v2.10", "v2.9", "V1"], ["V1", "v2.9", "v2.10"]),
        (["b", "", "A"], ["", "A", "b"]),
        (["2.75", "-1", "10", "2.5"], ["-1", "2.5", "2.75", "10"]),
    ],
)
def test_texts_sort_as_people_sort_them(texts: list[str], expected: list[str]) -> None:
    assert sorted(texts, key=natural) == expected


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_texts_can_be_sorted(texts: list[str]) -> None:
    assert len(sorted(texts, key=natural)) == len(texts)
