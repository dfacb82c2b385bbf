import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.diagnostics import Collector, Source
from specrun.plan.compile import Compiler
from specrun.plan.template import EvaluationError, evaluate
from specrun.spec.yaml import parse_yaml

NO_NUMBERS = ["1,200", "1.200,5", "12abc", "40 pcs", "", " ", "n/a", "0x1f", "1_000", "nan", "inf", "1e999", "9" * 500]


def value(template: str, **scope: Any) -> Any:
    compiler = Compiler({}, Collector())
    node = parse_yaml(Source(name="a.yaml", text=json.dumps(template, ensure_ascii=False)))
    return evaluate(compiler.value(node), scope)


def fault(template: str, **scope: Any) -> str:
    with pytest.raises(EvaluationError) as caught:
        value(template, **scope)
    return caught.value.explained(())[0].detail


def hint(template: str, **scope: Any) -> str:
    with pytest.raises(EvaluationError) as caught:
        value(template, **scope)
    return caught.value.explained(())[0].hint


@pytest.mark.parametrize("v", [*NO_NUMBERS, None, True, [1], {"a": 1}])
@pytest.mark.parametrize(("name", "default"), [("int", "int(7)"), ("float", "float(7)"), ("round", "round(default=7)")])
def test_what_is_no_number_fails_unless_a_default_is_given(v: Any, name: str, default: str) -> None:
    what = "a whole number" if name == "int" else "a number"
    assert fault(f"{{{{ v | {name} }}}}", v=v).endswith(f" is not {what}")
    assert value(f"{{{{ v | {default} }}}}", v=v) == 7


def test_the_text_at_fault_is_shown() -> None:
    assert fault("{{ v | int }}", v="1,200") == '"1,200" is not a whole number'
    assert fault("{{ v | float }}", v="") == '"" is not a number'
    assert hint("{{ v | int }}", v="3.7") == "`| float` keeps its fraction, `| float | int` cuts it off"
    assert hint("{{ v | int }}", v="0x1f") == "`| int(base=16)` reads it"
    assert fault("{{ u | int(0) }}") == "`u` is not defined here"


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{{ ' 12 ' | int }}", 12), ("{{ '-3' | int }}", -3), ("{{ '12.0' | int }}", 12), ("{{ '1e3' | int }}", 1000),
        ("{{ 3.9 | int }}", 3), ("{{ '1f' | int(base=16) }}", 31), ("{{ 'zz' | int('none', 16) }}", "none"),
        ("{{ '2.50' | float }}", 2.5), ("{{ '.5' | float }}", 0.5), ("{{ 2 | float }}", 2.0),
        ("{{ '2.567' | round(2) }}", 2.57), ("{{ 2.1 | round(0, 'ceil') | int }}", 3),
        ("{{ ['9', '10'] | map('int') | max }}", 10), ("{{ ['9', '10'] | map('int') | sum }}", 19),
        ("{{ ['b', 'a'] | max }}", "b"), ("{{ [-3, 2] | map('abs') | sum }}", 5),
        ("{{ 5 == 'auto' or 'auto' == 'auto' }}", True), ("{{ '4' == 3 }}", False), ("{{ 'b' > 'a' }}", True),
        ("{{ '10' > '09' }}", True), ("{{ '0' * 3 ~ 7 }}", "0007"), ("{{ 'ab' * 2 }}", "abab"),
        ("{{ 'a' + '1' }}", "a1"),
        ("{{ 3 * 4 + 1 }}", 13), ("{{ 'a' in ['a', 1] }}", True), ("{{ ['a', 'A', 'a'] | unique | list }}", ["a", "A"]),
        ("{{ 'abc' | list | join('-') }}", "a-b-c"), ("{{ {'a': 'x'}.values() | join }}", "x"),
    ],
)  # fmt: skip
def test_what_is_a_number_is_taken(template: str, result: Any) -> None:
    found = value(template)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    "template",
    [
        "{{ '3' >= 3 }}", "{{ 3 < 'many' }}", "{{ '3' == 3 }}", "{{ 3.0 != '3' }}", "{{ '10' < '9' }}", "{{ '3' * 2 }}",
        "{{ 2 * '3' }}", "{{ '3' + '4' }}", "{{ '3' in [3, 4] }}", "{{ 3 not in ['3'] }}", "{{ ['9', '10'] | max }}",
        "{{ [{'s': '9'}, {'s': '10'}] | min(attribute='s') }}", "{{ ['3'] | select('gt', 2) | list }}",
        "{{ '3' is eq 3 }}", "{{ ['3'] | sum }}", "{{ '3' | abs }}",
    ],
)  # fmt: skip
def test_a_text_is_not_mistaken_for_its_number(template: str) -> None:
    assert "`| int`" in hint(template)


@pytest.mark.parametrize(
    "template", ["{{ 'a|b' | join(', ') }}", "{{ '123' | sum }}", "{% for c in 'a|b' %}{{ c }}{% endfor %}"]
)
def test_the_letters_of_a_text_are_not_taken_for_a_list(template: str) -> None:
    assert hint(template) == "split it first, as in `.split('|')`"


@pytest.mark.parametrize("template", ["{{ [1, 'a'] | sort }}", "{{ none < 1 }}"])
def test_what_has_no_order_says_how_to_give_it_one(template: str) -> None:
    assert hint(template) == "texts, numbers and nothing have no order; convert with `| int`, `| float`, `| string`"


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_any_whole_number_comes_back_from_its_text(number: int) -> None:
    assert value("{{ v | int }}", v=str(number)) == value("{{ v | int }}", v=number) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_comes_back_from_its_text(number: float) -> None:
    assert value("{{ v | float }}", v=repr(number)) == number


@pytest.mark.parametrize("test", ["odd", "even", "divisibleby(2)"])
def test_a_text_is_neither_odd_nor_even_until_it_is_a_number(test: str) -> None:
    assert value(f"{{{{ v | int is {test} }}}}", v="2") is (test != "odd")
    assert fault(f"{{{{ v is {test} }}}}", v="2").endswith("takes numbers, not a text")


@pytest.mark.parametrize(
    ("template", "said", "way"),
    [
        ("{{ v - 1 }}", "a text and a number", "`| int`"),
        ("{{ range(v) }}", "a text cannot be interpreted as an integer", "`| int`"),
        ("{{ 1 | count }}", "a number has no len()", "texts, lists and mappings"),
        ("{{ none | list }}", "nothing (null) is not iterable", "takes a list"),
        ("{{ v | replace('a') }}", "replace() missing", ""),
        ("{{ [v] | map('id') | list }}", "no filter `id`", "map(attribute='…')"),
    ],
)
def test_what_does_not_go_together_is_told_in_the_words_of_specs(template: str, said: str, way: str) -> None:
    assert said in fault(template, v="3")
    assert way in hint(template, v="3")
