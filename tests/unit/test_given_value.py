import os
import shlex
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.spec import given_value
from specrun.spec.given_value import read_given

TAKEN: dict[str, Any] = {
    "blue": "blue", "soft pink": "soft pink", "a#b": "a#b", "key:value": "key:value", "16:9": "16:9", "no": "no",
    "https://example.com/a#b": "https://example.com/a#b", "-x": "-x", " blue ": "blue", "": "", "  ": "  ",
    "3": 3, "2.5": 2.5, "true": True, "[a, b]": ["a", "b"], "{a: b}": {"a": "b"}, '"#ff0000"': "#ff0000",
    "'#7'": "#7", "a: 1 # of many\nb: 2\n": {"a": 1, "b": 2}, "- a # one\n- b\n": ["a", "b"],
}  # fmt: skip
REFUSED = {
    "shirt #7": 'YAML takes "#7" for a comment',
    "#ff0000": "YAML takes what begins with # for a comment",
    '"a" # b': 'YAML takes "# b" for a comment',
    "[a] # b": 'YAML takes "# b" for a comment',
    "*x": "YAML reads * as an alias",
    "&x": "YAML reads & as an anchor",
    "&x y": "YAML reads & as an anchor",
    "!x": "YAML reads ! as a tag",
    "!!str 3": "YAML reads ! as a tag",
    "%x": "YAML reads % as a directive",
    "@home": "YAML keeps @ for itself",
    "`x`": "YAML keeps ` for itself",
    "> x": "YAML reads > as the start of a block",
    "|": "YAML reads | as the start of a block",
    "---": "YAML reads this as a document's marker",
    "--- x": "YAML reads this as a document's marker",
    "~": "YAML reads this as nothing (null)",
    "null": "YAML reads this as nothing (null)",
    "- x": "YAML reads this as a list",
    "Summer: the sale": "YAML reads this as a mapping",
    "one\ntwo": "YAML makes one line of this",
    "'tis": "while scanning a quoted scalar: found unexpected end of stream",
    "12345678901234567890": "a whole number beyond 2^53 - 1 loses digits on its way through JSON",
}


def refused(text: str, name: str = "--var c", declared: Any = None) -> Diagnostic:
    with pytest.raises(InvalidInputError) as caught:
        read_given(text, name, declared)
    return caught.value.diagnostics[0]


@pytest.mark.parametrize("text", TAKEN)
def test_a_value_that_yaml_takes_whole_is_taken(text: str) -> None:
    assert read_given(text, "--var c") == TAKEN[text]


@pytest.mark.parametrize("text", REFUSED)
def test_a_value_that_yaml_would_cut_or_misread_is_told_in_words(text: str) -> None:
    assert refused(text).detail == REFUSED[text]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("#ff0000", """quote it: --var 'c="#ff0000"'"""),
        ("- x", """quote it: --var 'c="- x"'; if a list is meant: --var 'c=[x]'"""),
        ("a: b", """quote it: --var 'c="a: b"'; if a mapping is meant: --var 'c={a: b}'"""),
        ("null", """quote it: --var 'c="null"'; if nothing is meant, say so in a --var-file"""),
        ("[#fff]", """close it, and quote the texts in it, as in ["#ff0000"]; or, as one text: --var 'c="[#fff]"'"""),
    ],
)
def test_a_refused_value_is_shown_as_the_shell_wants_it(text: str, hint: str) -> None:
    assert refused(text).hint == hint


def test_a_variable_of_the_environment_is_shown_as_it_is_set_there() -> None:
    assert refused("#7", "SPECRUN_VAR_c").hint == """quote it: SPECRUN_VAR_c='"#7"'"""


def test_windows_is_told_of_quotes_that_its_shells_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_value, "_WINDOWS", True)
    assert refused("it's #7").hint == """quote it: --var "c='it''s #7'\""""
    assert refused("#7", "SPECRUN_VAR_c").hint == """quote it: set "SPECRUN_VAR_c='#7'\""""


@pytest.mark.parametrize("text", ["01234", "1e5", "1.50", "true"])
def test_a_text_of_the_spec_is_not_turned_into_a_number_that_looks_otherwise(text: str) -> None:
    assert refused(text, declared="02345").detail.startswith("the spec has a text here, and YAML reads this as ")
    assert read_given(text, "--var c", declared=3) == {"01234": 1234, "1e5": 1e5, "1.50": 1.5, "true": True}[text]
    assert read_given("42", "--var c", declared="a text") == 42


@pytest.mark.skipif(os.name == "nt", reason="quotes as for the shells of Unix")
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
@example('say "hi" #1')
@example("it's #1")
@example("a\\b: c")
def test_what_a_refusal_says_to_type_gives_the_very_text(text: str) -> None:
    try:
        value = read_given(text, "--var c")
    except InvalidInputError as error:
        hint = error.diagnostics[0].hint
        typed = hint[hint.index("--var ") :].partition("; if ")[0]
        option, assignment = shlex.split(typed)
        assert option == "--var"
        assert read_given(assignment.removeprefix("c="), "--var c") == text.strip()
    else:
        assert not isinstance(value, str) or value in (text, text.strip()) or text.strip()[0] in "'\""
