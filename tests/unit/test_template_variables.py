from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from specrun.diagnostics import Collector, Source
from specrun.model.inputs import FileImage, OutputImage
from specrun.plan.bounds import Meter
from specrun.plan.compile import Compiler
from specrun.plan.jinja import JinjaTemplates
from specrun.plan.template import LARGEST_TEMPLATE, MOST_PARTS, EvaluationError, Expression, Scope
from specrun.plan.variables import Variable, pieces_of
from specrun.spec.text import Text

FUNCTIONS = {"rows": list}
WORDS = "x y row row.n row.items x.y rows range dict self true none not if in loop result _x x.0 x.if é ä".split()
SIGNS = ["{{", "}}", "{%", "%}", "{#", "#}", "{", "}", "-", "+", ".", " ", "\n", "\r", "\t", "|", "'", "a", "€", "raw"]
WHOLE = [f"{{{{{space}{word}{space}}}}}" for word in WORDS for space in ("", " ", "  ")]
TEXTS = st.lists(st.sampled_from([*SIGNS, *WORDS]) | st.sampled_from(WHOLE), max_size=12).map("".join)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(max_size=4)
    | st.just(FileImage(path="a.png", digest="sha256:0"))
    | st.just(OutputImage(address="a", key=None, index=1, axes={"n": "x"})),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["n", "items", "y"]), inner, max_size=3)
    ),
    max_leaves=4,
)
SCOPES = st.dictionaries(st.sampled_from("x y row range self result rows".split()), VALUES, max_size=5)


def text_of(template: str) -> Text:
    return Text(template, Source(name="a.j2", text=template))


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("{{ x }}\n")
@example("a\n\n{{ x }}\n{{ row.n }}\n\n")
@example("{{{ x }}}")
@example("}} { % {{x}} #}")
@example("a" * (LARGEST_TEMPLATE + 1))
@example("{{ x }}," * MOST_PARTS)
def test_what_is_read_without_jinja_is_what_jinja_reads(template: str) -> None:
    pieces = pieces_of(template, FUNCTIONS)
    if pieces is None:
        return
    faults = Collector()
    parts = JinjaTemplates(FUNCTIONS, Meter(), faults).parts(text_of(template))
    assert [each for each in parts if isinstance(each, str)] == [each for each in pieces if isinstance(each, str)]
    assert [each if isinstance(each, str) else jinja_facts(each) for each in parts] == [
        each if isinstance(each, str) else facts(each) for each in pieces
    ]
    assert faults.sorted() == ()


def jinja_facts(expression: Expression) -> tuple[Any, ...]:
    assert expression.place is not None
    place = expression.place(ValueError(), "", {})
    return expression.names, expression.variable, place, expression.needs


def facts(variable: Variable) -> tuple[Any, ...]:
    first, *others = variable.names
    return frozenset((first,)), None if others else first, (variable.start, variable.end), frozenset()


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*WHOLE, "a", "\n", " "]), min_size=1, max_size=3).map("".join), SCOPES)
def test_a_variable_comes_to_what_it_comes_to_in_jinja(template: str, scope: dict[str, Any]) -> None:
    text = text_of(template)
    faults, jinja_faults = Collector(), Collector()
    parts = Compiler(FUNCTIONS, faults).text(text).parts
    jinja_parts = JinjaTemplates(FUNCTIONS, Meter(), jinja_faults).parts(text)
    for _ in range(2):  # the second time in the same words
        assert outcomes(parts, scope) == outcomes(jinja_parts, scope)
    assert faults.sorted() == jinja_faults.sorted()


def outcomes(parts: tuple[str | Expression, ...], scope: dict[str, Any]) -> list[Any]:
    """Return what each part comes to as a value and as a text, or all that is said of it."""
    return [
        part if isinstance(part, str) else (outcome(part.value, scope), outcome(part.string, scope)) for part in parts
    ]


def outcome(evaluate: Callable[[Scope], Any], scope: Scope) -> Any:
    try:
        value = evaluate(scope)
    except EvaluationError as error:
        return error.explained(scope)
    return type(value), repr(value)


def test_texts_with_nothing_but_variables_are_read_without_jinja() -> None:
    for text in ("", "plain { and %", "{{ x }}", "a {{x}} of\n{{ row.n }}: {{ vars.a_b.c2 }}\n"):
        assert pieces_of(text, FUNCTIONS) is not None
    for text in (
        "{{ x | upper }}",
        "{{- x }}",
        "{{ x",
        "{% if x %}{% endif %}",
        "{# x #}",
        "{{ none }}",
        "{{ rows }}",
        "a\r\nb",
    ):
        assert pieces_of(text, FUNCTIONS) is None
