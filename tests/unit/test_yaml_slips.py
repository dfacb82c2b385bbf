"""What is no YAML by a slip of hand is answered with the way out, at the slip."""

import pytest

from specrun.diagnostics import Diagnostic, InvalidInputError, Source
from specrun.spec.yaml import parse_yaml

SLIPS: dict[str, tuple[int, str]] = {
    "a:\n  b\n    c: 1\n": (3, "the key on the line above lacks its colon"),
    "x: 1\na\n  b:\n    c: 1\n": (2, "a key ends with a colon and a space"),
    "a: 1\nprompt x\n": (2, "a key ends with a colon and a space"),
    "a: 1\nprompt:x\n": (2, "write `prompt: …`"),
    "a: 1\nprompt = x\n": (2, "write `prompt: …`"),
    "a: 1\nprompt\uff1a x\n": (2, "write `prompt: …`"),
    "a: 1\nprompt:\u00a0x\n": (2, "U+00A0 stands here"),
    "a:\n  model:x\n  b: 1\n": (3, "a space is missing on the line above: write `model: …`"),
    "a: |\nb\nc: 1\n": (2, "the lines of a text are indented more than its key"),
    "a: 'it's'\n": (1, "a ' inside it is written ''"),
    'a: "5" pipe"\n': (1, 'a " inside it is written \\"'),
    'a: "\\d"\n': (1, "in double quotes a backslash is written \\\\"),
    "a: “b: c”\n": (1, "straight quotes only"),
    "a: *bold*\n": (1, "quote the text"),
    "a: @home\n": (1, "quote the text"),
    "a: %d\n": (1, "quote the text"),
}


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_of_hand_is_answered_with_the_way_out_at_its_line(text: str) -> None:
    line, way = SLIPS[text]
    fault = refused(text)
    assert fault.span is not None
    assert (fault.span.line, way) == (line, way if way in fault.hint else fault.hint)


@pytest.mark.parametrize("text", ["key:hunter2\n", "a:\n  hunter2\n    b: 1\n", "a:\n  key:hunter2\n    b: 1\n"])
def test_no_value_is_repeated_in_a_way_out(text: str) -> None:
    assert "hunter2" not in refused("x: 1\n" + text).hint


def refused(text: str) -> Diagnostic:
    """Return what is said of a text that is no YAML."""
    with pytest.raises(InvalidInputError) as caught:
        parse_yaml(Source(name="s.yaml", text=text))
    return caught.value.diagnostics[0]
