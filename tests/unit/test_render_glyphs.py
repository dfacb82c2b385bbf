import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.server.render.glyphs import CELL, LINE, columns, legible, shorten, text_mask, wrap


@pytest.mark.parametrize(("text", "cells"), [("seed 12", 7), ("猫", 2), ("é", 1), ("e\u0301", 1), ("かわ", 4), ("", 0)])
def test_text_is_as_wide_as_its_characters(text: str, cells: int) -> None:
    assert columns(text) == cells
    assert text_mask(text, 2).size == (max(1, cells) * CELL * 2, LINE * 2)


def test_different_characters_look_different() -> None:
    texts = "aàжω字あ한אب€→✓"
    assert len({text_mask(char.ljust(2), 1).tobytes() for char in texts}) == len(texts)


def test_a_character_that_the_font_lacks_shows_its_number_in_a_box() -> None:
    rocket, smile = text_mask("\U0001f680", 1), text_mask("\U0001f600", 1)
    assert rocket.tobytes() != smile.tobytes()
    assert {rocket.getpixel(corner) for corner in ((0, 0), (15, 0), (0, 15), (15, 15))} == {255}


def test_line_breaks_and_control_characters_become_single_spaces() -> None:
    assert legible("a\r\n\tb\x1b[31m c\u2028d") == "a b [31m c d"


def test_text_is_broken_at_spaces_and_cut_with_an_ellipsis() -> None:
    assert wrap("a red lamp on a slate table", 11, 3) == ["a red lamp", "on a slate", "table"]
    assert wrap("a red lamp on a slate table", 11, 2) == ["a red lamp", "on a slate…"]
    assert wrap("猫" * 12, 10, 2) == ["猫" * 5, "猫" * 4 + "…"]
    assert shorten("seed 123", 8) == "seed 123"


@given(st.text(max_size=200), st.integers(2, 40), st.integers(1, 4))
def test_no_line_is_wider_than_its_room(text: str, width: int, lines: int) -> None:
    broken = wrap(legible(text), width, lines)
    assert len(broken) <= lines
    assert all(columns(line) <= width for line in broken)
