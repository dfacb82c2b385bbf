import html
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specrun.report import inert

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60) | st.text(
    "`|<>&\\@_*[](){}#!~:\n \x1b\u202e", max_size=40
)
NASTY = "\x1b[31mred\x07 \u202etxt.exe\u2066 a\rb\nc\x9b2J \u200b\ud800"


@given(ANY_TEXT)
def test_a_terminal_line_holds_no_control_bidi_or_surrogate_character(text: str) -> None:
    shown = inert.line(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    ]
    assert shown.encode().decode() == shown


def test_what_could_steer_a_terminal_shows_as_an_escape() -> None:
    assert inert.line(NASTY) == r"\x1b[31mred\x07 \u202etxt.exe\u2066 a\rb\nc\x9b2J \u200b\ud800"


def test_ordinary_writing_in_any_script_is_left_alone() -> None:
    text = "naïve 猫 кот قط می‌خواهم 👩‍👩‍👧 é"
    assert inert.line(text) == text


@given(ANY_TEXT)
def test_json_with_escapes_still_says_the_same(text: str) -> None:
    document = json.dumps({"prompt": text}, ensure_ascii=False, indent=2)
    shown = inert.json_text(document)
    assert json.loads(shown) == json.loads(document)
    assert inert.line(shown.replace("\n", "")) == shown.replace("\n", "")


@given(ANY_TEXT)
def test_a_code_span_renders_as_one_code_element_and_nothing_else(text: str) -> None:
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(f"before {inert.code_span(text)} after")
    found = re.fullmatch(r"<p>before <code>([^<]*)</code> after</p>\n", rendered)
    assert found
    assert html.unescape(found[1]).strip(" ") == inert.line(text).strip(" ")


@given(ANY_TEXT)
def test_a_table_cell_stays_one_cell(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {inert.cell(text)} | 1 |\n"
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(table)
    assert rendered.count("<td>") == 2
    assert re.search(r"<td><code>[^<]*</code></td>\n<td>1</td>", rendered)


@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_a_code_block_cannot_be_closed_from_within(lines: list[str]) -> None:
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(inert.code_block(lines, "diff") + "\n\nafter")
    found = re.fullmatch(r'<pre><code class="language-diff">([^<]*)</code></pre>\n<p>after</p>\n', rendered)
    assert found
    assert html.unescape(found[1]) == "".join(f"{inert.line(line)}\n" for line in lines)


@given(ANY_TEXT)
def test_a_workflow_command_stays_one_line_with_its_own_properties(text: str) -> None:
    command = f"::error file={inert.github_property(text)},line=1::{inert.github_message(text)}"
    assert len(command.splitlines()) == 1
    properties, _, _ = command.removeprefix("::error ").partition("::")
    assert [part.partition("=")[0] for part in properties.split(",")] == ["file", "line"]


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "' onload='x", "a & b", "\x00"])
def test_markup_cannot_leave_an_element_or_a_quoted_attribute(text: str) -> None:
    shown = inert.markup(text)
    assert not set(shown) & set("<>\"'\x00")
    assert html.unescape(shown) == inert.line(text)
