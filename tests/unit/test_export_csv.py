import csv
import io
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from specrun.report.export_csv import as_csv
from specrun.store.manifest import ManifestOutput

# What OWASP lists, in the ways in which a table is read: with the separators that spreadsheets guess, and by cells
# whose quotes and blanks at the front are taken off.
FORMULA = re.compile("[\"' ]*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
TEXTS = st.text(alphabet="=+-@;,\t\r\n\"' a1\uff1d")


def output(prompt: str = "an owl", *, axes: dict[str, str] | None = None, **params: Any) -> ManifestOutput:
    return ManifestOutput(
        address="a",
        index=1,
        path="a.png",
        file="sha256:0",
        blob="sha256:0",
        media_type="image/png",
        width=1,
        height=1,
        bytes=1,
        provider="sandbox",
        model="m",
        prompt=prompt,
        params=params,
        seed=7,
        key=None,
        request_digest=None,
        job="a",
        axes=axes or {},
    )


def cells(table: str, separator: str = ",") -> list[str]:
    return [cell for row in csv.reader(io.StringIO(table, newline=""), delimiter=separator) for cell in row]


def first(prompt: str, **given: Any) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO("".join(as_csv([output(prompt, **given)])))))


@settings(max_examples=200)
@given(TEXTS)
@example("owl;=1+1")
@example('owl";=1+1')
@example(' "=1+1"')
@example("owl\n@SUM(1)")
def test_no_cell_begins_a_formula_whatever_separates_it(prompt: str) -> None:
    table = "".join(as_csv([output(prompt, axes={prompt: prompt}, note=prompt, tags=[prompt])]))
    for separator in ",;\t":
        for cell in cells(table, separator):
            plain = cell.lstrip("\"' ")
            # An apostrophe directly before it is what disarms a formula.
            disarmed = cell[: len(cell) - len(plain)].endswith("'")
            assert disarmed or NUMBER.fullmatch(cell) or not FORMULA.match(cell), (separator, cell)


@given(TEXTS)
def test_a_raw_table_holds_texts_as_they_are_but_for_control_characters(prompt: str) -> None:
    found = next(csv.DictReader(io.StringIO("".join(as_csv([output(prompt)], raw=True)))))
    assert found["prompt"] == prompt.replace("\t", "\\t").replace("\r", "\\r")


def test_numbers_stay_numbers_also_where_they_are_texts() -> None:
    found = first("+1", axes={"offset": "-5", "scale": "-1.5e-3", "no": "-5+1"}, strength=-0.5, guidance=-3)
    assert (found["prompt"], found["axes.offset"], found["axes.scale"]) == ("+1", "-5", "-1.5e-3")
    assert (found["params.strength"], found["params.guidance"], found["axes.no"]) == ("-0.5", "-3", "'-5+1")


def test_texts_without_formulas_stay_as_they_are() -> None:
    for text in ("a cat; soft light", "f/2.8 = sharp", "tea - hot", "it's 3-4 owls @ night", "a, -b"):
        assert first(text)["prompt"] == text
