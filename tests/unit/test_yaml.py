import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.canonical import LARGEST_INTEGER
from specrun.diagnostics import Collector, InvalidInputError, Source
from specrun.spec.nodes import Mapping, Scalar, Sequence, plain
from specrun.spec.yaml import compose, parse_yaml

# By the core schema of YAML 1.2; where YAML 1.1 reads otherwise, that is the point.
SCALARS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nULL": "nULL", "none": "none",
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False, "tRUE": "tRUE",
    "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y", "n": "n",
    "0": 0, "-0": 0, "+7": 7, "12": 12, "012": 12, "-012": -12, "00": 0, "1_000": "1_000",
    "0o14": 12, "0o8": "0o8", "0O14": "0O14", "0x1F": 31, "0xfg": "0xfg", "-0x1F": "-0x1F", "0b11": "0b11",
    "1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, "1e5": 100000.0, "1E-2": 0.01, "+1.5e+3": 1500.0, ".": ".",
    "1.2.3": "1.2.3", "1e": "1e", "e5": "e5", "--1": "--1", "+": "+",
    "16:9": "16:9", "1:1": "1:1", "21:9": "21:9", "12:30:45": "12:30:45", "190:20:30.15": "190:20:30.15",
    "2025-06-23": "2025-06-23", "2025-06-23T10:00:00Z": "2025-06-23T10:00:00Z",
    "=": "=", "a": "a", "café": "café",
    '"12"': "12", "'true'": "true", '""': "", "!!str 12": "12", "!!str true": "true", "!!int 12": 12,
    '!!int "12"': 12, "!!float 1": 1, "!!bool true": True, "!!null ''": None, '"\\u00e9"': "é", '"\\x07"': "\x07",
}  # fmt: skip
REFUSED = {
    "9007199254740992": "number too large",
    "-9007199254740992": "number too large",
    "0xFFFFFFFFFFFFFF": "number too large",
    "9" * 500: "number too large",
    "1e999": "number too large",
    ".inf": "not a finite number",
    "-.Inf": "not a finite number",
    ".nan": "not a finite number",
    "!!int a": "unsupported tag",
    "!!bool yes": "unsupported tag",
    "!!binary aGk=": "unsupported tag",
    "!!timestamp 2025-01-01": "unsupported tag",
    "!!python/name:os.system a": "unsupported tag",
    "!mine a": "unsupported tag",
}


def parsed(text: str) -> Any:
    return plain(parse_yaml(Source(name="a.yaml", text=text)))


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_means_what_the_core_schema_says(text: str) -> None:
    for value in (parsed(f"a: {text}\n")["a"], parsed(f"- {text}\n")[0]):
        assert value == SCALARS[text]
        assert type(value) is type(SCALARS[text])


@pytest.mark.parametrize("text", REFUSED)
def test_a_scalar_that_no_request_can_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parsed(f"a: {text}\n")
    assert [fault.summary for fault in caught.value.diagnostics] == [REFUSED[text]]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    # YAML has other escapes than JSON beyond U+FFFF, and other line breaks.
    | st.text(
        st.characters(max_codepoint=0xFFFD, exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff")
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_json_is_yaml(value: Any) -> None:
    assert parsed(json.dumps(value)) == value
    assert parsed(json.dumps(value, ensure_ascii=False)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_exactly(number: float) -> None:
    assert math.copysign(1, parsed(f"[{number!r}]")[0]) == math.copysign(1, number)
    assert parsed(f"[{number!r}]")[0] == number


def test_a_value_knows_its_place_also_behind_wide_characters() -> None:
    source = Source(name="a.yaml", text='é日: {x: "a\\tb", \U0001f98a: [c, 12]}\n')
    root = compose(source, Collector())
    assert isinstance(root, Mapping)
    inner = root.get("é日")
    assert isinstance(inner, Mapping)
    quoted, items = inner.get("x"), inner.get("\U0001f98a")
    assert isinstance(quoted, Scalar)
    assert isinstance(items, Sequence)
    assert (quoted.span.column, quoted.span.end_column, quoted.text) == (9, 15, "a\tb")
    assert [item.span.column for item in items.items] == [21, 24]


def test_merges_give_way_to_what_is_written_and_to_earlier_ones() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\nd: {y: 4, <<: *a}\ne: {'<<': 5}\n"
    assert parsed(text) == {
        "a": {"x": 1, "y": 1},
        "b": {"x": 2, "z": 2},
        "c": {"x": 1, "y": 3, "z": 2},
        "d": {"x": 1, "y": 4},
        "e": {"<<": 5},
    }


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    assert parsed("a: 1\r\nb: |\r\n  c\r\n  d\r\n") == {"a": 1, "b": "c\nd\n"}


def test_an_alias_may_be_used_often_as_long_as_it_stands_for_little() -> None:
    assert len(parsed("a: &a [x, y]\nb: [" + "*a, " * 10_000 + "]\n")["b"]) == 10_000


def test_nesting_is_counted_through_aliases() -> None:
    deep = "a: &a " + "[" * 30 + "]" * 30 + "\n"
    parsed(deep + "b: " + "[" * 32 + "*a" + "]" * 32)
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        parsed(deep + "b: " + "[" * 34 + "*a" + "]" * 34)


def test_what_is_wrong_is_collected_and_the_rest_read() -> None:
    faults = Collector()
    node = compose(Source(name="a.yaml", text="a: 1\na: 2\nb: .nan\nc: !x [1]\n3: d\n"), faults)
    assert [fault.summary for fault in faults.sorted()] == [
        "duplicate key",
        "not a finite number",
        "unsupported tag",
        "key is not a text",
    ]
    assert plain(node) == {"a": 1, "b": ".nan", "c": [1]}


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_a_line_separator_is_an_ordinary_character_and_moves_no_place(separator: str) -> None:
    text = (
        f"# a{separator}comment\na: one{separator}two\nb: ['x{separator}']\nc: |\n  y{separator}z\nd: \"{separator}\"\n"
    )
    node = parse_yaml(Source(name="a.yaml", text=text))
    assert plain(node) == {
        "a": f"one{separator}two",
        "b": [f"x{separator}"],
        "c": f"y{separator}z\n",
        "d": separator,
    }
    assert isinstance(node, Mapping)
    assert [(key.span.line, key.span.column) for key, _ in node.pairs()] == [(2, 1), (3, 1), (4, 1), (6, 1)]
    with pytest.raises(InvalidInputError) as caught:
        parse_yaml(Source(name="a.yaml", text=text + "b: [1\n"))
    assert str(caught.value.diagnostics[0].span).startswith("a.yaml:7")


def test_a_character_that_a_separator_could_be_disguised_as_stays_itself() -> None:
    others = "".join(map(chr, range(0xF0000, 0xF0010)))
    assert parsed(f'- "{others}\u2028\\U000f0010"\n- {others}\u2028\n') == [
        f"{others}\u2028\U000f0010",
        f"{others}\u2028",
    ]


@given(st.text(st.sampled_from("ab \u2028\x85\u2029\U000f0000\U000f0001\ue83d😀"), min_size=1))
def test_any_text_comes_back_from_double_quotes(text: str) -> None:
    assert parsed(json.dumps(text, ensure_ascii=False)) == text
    if "\ue83d" not in text:
        assert parsed(json.dumps(text)) == text


def test_pairs_of_surrogates_are_read_as_json_writes_them_and_only_in_double_quotes() -> None:
    text = r"""
a: "\ud83d\ude00\uD83D\uDE00 \\ud83d\\ude00 \\\ud83d\ude00"
b: \ud83d\ude00
c: '\ud83d\uDe00'
d: |
  \ud83d\ude00 \\ud83d\ude00
"""
    assert parsed(text) == {
        "a": "😀😀 \\ud83d\\ude00 \\😀",
        "b": r"\ud83d\ude00",
        "c": r"\ud83d\uDe00",
        "d": "\\ud83d\\ude00 \\\\ud83d\\ude00\n",
    }


def test_half_a_pair_is_no_character() -> None:
    with pytest.raises(InvalidInputError, match="invalid Unicode character") as caught:
        parsed('a: "\\ud83d"\n')
    assert caught.value.diagnostics[0].hint == "this is half of a surrogate pair: write the character itself"


# The YAML test suite's names of texts that are no YAML, and that the parser takes all the same.
NO_YAML = {
    "9JBA": "---\n[ a, b, c, ]#invalid\n",
    "CVW2": "---\n[ a, b, c,#invalid\n]\n",
    "G5U8": "---\n- [-, -]\n",
    "MUS6": "%YAML 1.1#...\n---\n",
    "SU5Z": 'key: "value"# invalid comment\n',
    "X4QW": "block: ># comment\n  scalar\n",
    "YJV2": "[-]\n",
}


@pytest.mark.parametrize("name", NO_YAML)
def test_what_is_no_yaml_is_refused_though_the_parser_takes_it(name: str) -> None:
    with pytest.raises(InvalidInputError, match="not YAML"):
        parsed(NO_YAML[name])


def test_comments_and_signs_in_their_places_are_no_slips() -> None:
    text = (
        '%YAML 1.2 # so\n---\na: [x, # one\n  "y#", z#] # two\nb: "s" # three\nc: | # four\n  ]#q\n'
        'd: a,#b\ne: -1\nf: {"k":"v#"}\n'
    )
    assert parsed(text) == {"a": ["x", "y#", "z#"], "b": "s", "c": "]#q\n", "d": "a,#b", "e": -1, "f": {"k": "v#"}}
