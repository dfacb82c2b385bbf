import json

from markdown_it import MarkdownIt

from specrun.model.lock import LockedOutput, LockRow
from specrun.model.plan import Change
from specrun.plan.compare import LockDiff, RunShift, Shift
from specrun.report.diff_json import as_json
from specrun.report.diff_markdown import as_markdown
from specrun.report.diff_text import Compared, as_text
from specrun.report.markdown import LIMIT

EVIL = 'a[x="|<img src=x>\u202e`\n"]'


def row(address: str, blob: str) -> LockRow:
    return LockRow(
        address=address,
        key="sha256:" + "1" * 64,
        request_digest=None,
        seed=1,
        provider="acme",
        model="m",
        params={},
        defaults=(),
        revision=1,
        sample=1,
        schema_digest="s",
        inputs={},
        outputs=(LockedOutput(index=1, path="a.png", blob=blob, file="f"),),
    )


def replaced(address: str) -> RunShift:
    changes = (Change(field="prompt", old="a red cat", new="a blue cat"), Change(field="steps", old=20, new=None))
    return RunShift(
        shift=Shift.REPLACED,
        reason="prompt, steps changed",
        before=row(address, f"old {address}"),
        after=row(address, f"new {address}"),
        changes=changes,
    )


def added(address: str) -> RunShift:
    return RunShift(shift=Shift.ADDED, reason="new in the spec", after=row(address, f"new {address}"))


def compared(*shifts: RunShift, same: int = 3) -> Compared:
    return Compared(spec="specs/s.yaml", base="HEAD (1a2b)", now="now", diff=LockDiff(shifts=shifts, same=same))


def test_the_text_says_once_what_many_runs_have_in_common() -> None:
    lines = list(as_text([compared(replaced("a"), replaced("b"), added("c"))]))
    assert lines == [
        "specs/s.yaml: HEAD (1a2b) to now",
        "",
        "  ~ replaced 2 runs",
        "      prompt: a [-red-]{+blue+} cat",
        "      steps: 20 -> (none)",
        "          a",
        "          b",
        "",
        "  + added 1 run",
        "      c: new in the spec",
        "",
        "Difference: 2 replaced, 1 added, 3 the same.",
    ]


def test_no_difference_is_said_plainly() -> None:
    assert list(as_text([compared()]))[-1] == "Difference: none, 3 the same."


def test_long_lists_are_cut_unless_all_is_wanted() -> None:
    many = compared(*(added(f"a{number}") for number in range(100)))
    assert "      … 60 more; --full lists them" in list(as_text([many]))
    assert len(list(as_text([many], full=True))) > 100


def test_the_json_holds_fields_and_images_of_both_sides() -> None:
    (spec,) = json.loads(as_json([compared(replaced("a"))]))["specs"]
    assert spec["totals"] == {"replaced": 1, "added": 0, "removed": 0, "moved": 0, "same": 3}
    (run,) = spec["runs"]
    assert run["changes"][0] == {"field": "prompt", "old": "a red cat", "new": "a blue cat"}
    assert run["before"]["outputs"] == [{"index": 1, "path": "a.png", "blob": "old a"}]


def test_markdown_shows_linked_pictures_of_both_sides_in_a_table() -> None:
    pictures = {"old a": "https://example.org/1.webp", "new a": "https://example.org/2.webp?a&b"}
    text = as_markdown([compared(replaced("a"))], pictures)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert html.count("<table>") == 1
    assert '<img src="https://example.org/1.webp" width="160" alt="before">' in html
    assert "2.webp?a&amp;b" in html


def test_markdown_without_pictures_has_no_table() -> None:
    assert "<img" not in as_markdown([compared(replaced("a"))], {})


def test_markdown_stays_inert_whatever_addresses_hold() -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(
        as_markdown([compared(replaced(EVIL))], {f"new {EVIL}": "u"})
    )
    assert "<img src=x>" not in html
    assert "\u202e" not in html
    assert html.count("<tr>") == 2


def test_markdown_never_passes_the_limit_and_says_what_was_left_out() -> None:
    many = compared(*(replaced(f"job[axis={number:0200}]") for number in range(2_000)))
    pictures = {
        f"{side} {each.address}": "https://example.org/" + "x" * 60
        for each in many.diff.shifts
        for side in ("old", "new")
    }
    for full in (False, True):
        text = as_markdown([many], pictures, full=full)
        assert len(text) <= LIMIT
        assert "2,000 replaced" in text
    assert "<img" in text
