import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.model.address import axes_in, job_in
from specrun.plan.labels import address

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(job=NAMES, axes=st.lists(st.tuples(NAMES, LABELS), max_size=4))
def test_an_address_reads_back_into_its_job_and_axes(job: str, axes: list[tuple[str, str]]) -> None:
    written = address(job, axes)
    assert job_in(written) == job
    assert axes_in(written) == tuple(axes)


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("poster", ()),
        ("a[b=c", (("b", "c"),)),
        ('a[b="c', ()),
        ("a[]", ()),
        ("a[b]", ()),
        ('a[b="x",c', (("b", "x"),)),
        ("]]][[[", ()),
    ],
)
def test_an_address_that_is_not_whole_gives_what_can_be_read(text: str, axes: tuple[tuple[str, str], ...]) -> None:
    assert axes_in(text) == axes


@given(st.text(max_size=40))
def test_no_text_is_too_strange_to_be_read(text: str) -> None:
    axes_in(text)
