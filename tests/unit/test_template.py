import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specrun.diagnostics import Collector, Source
from specrun.model.inputs import FileImage, OutputImage
from specrun.plan.bounds import MOST_STEPS, STEPS_AN_EVALUATION
from specrun.plan.compile import Compiler
from specrun.plan.filters import ALLOWED_FILTERS, ALLOWED_TESTS
from specrun.plan.template import MOST_PARTS, EvaluationError, evaluate, join, names_in, needs_in
from specrun.spec.text import Text
from specrun.spec.yaml import parse_yaml

ROWS = [{"n": "b", "v": 2}, {"n": "a", "v": 1}]
PHOTO = FileImage(path="photos/lamp.png", digest="sha256:" + "0" * 64)


class Templates:
    """A compiler with two functions in reach, and what it complained of."""

    def __init__(self) -> None:
        self.faults = Collector()
        self.compiler = Compiler({"rows": lambda: ROWS, "photo": lambda: PHOTO}, self.faults)

    def value(self, template: str, **scope: Any) -> Any:
        node = parse_yaml(Source(name="a.yaml", text=json.dumps(template, ensure_ascii=False)))
        return evaluate(self.compiler.value(node), scope)

    def text(self, template: str, **scope: Any) -> str:
        return join(self.compiler.text(Text(template, Source(name="a.j2", text=template))), scope)


@pytest.fixture
def templates() -> Templates:
    return Templates()


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ 20 }}", 20),
        ("{{ 2.5 }}", 2.5),
        ("{{ [1, 'a', none, true] }}", [1, "a", None, True]),
        ("{{ {'a': {'b': [1]}} }}", {"a": {"b": [1]}}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {1: 2} }}", {"1": 2}),
        ("{{ rows() }}", ROWS),
        ("{{ photo() }}", PHOTO),
        ("{{ x }}", 7),
        ("{{ x }}\n", 7),
        (" {{ x }}", " 7"),
        ("{{ x }}{{ x }}", "77"),
        ("a {{ x }}", "a 7"),
        ("{{ 'x' if x == 7 }}", "x"),
        ("{{ 'x' if x == 8 }}", ""),
        ("a{{ 'x' if x == 8 }}", "a"),
        ("{% if x %}yes{% endif %}", "yes"),
        ("{# nothing #}", ""),
        ("no template", "no template"),
        ("{ braces } and %", "{ braces } and %"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ rows() | tojson }}", '[{"n": "b", "v": 2}, {"n": "a", "v": 1}]'),
        ("{{ '<b>' | tojson ~ '<i>' }}", '"<b>"<i>'),
        ("{{ {'items': 3}.items }}", 3),
        ("{{ result }}", "a variable of any name"),
    ],
)
def test_one_expression_keeps_its_type_and_other_text_is_text(template: str, value: Any, templates: Templates) -> None:
    found = templates.value(template, x=7, result="a variable of any name")
    assert found == value
    assert type(found) is type(value)


TEXTS = {
    "{{ 3 }}": "3",
    "{{ 2.50 }}": "2.5",
    "{{ true }}": "True",
    "{{ photo() }}": "photos/lamp.png",
    "{{ rows() | map(attribute='n') | join(', ') }}": "b, a",
    "{{ rows() | sort(attribute='n') | map(attribute='v') | list | tojson }}": "[1, 2]",
    "{{ rows() | sum(attribute='v') }}": "3",
    "{{ rows() | selectattr('v', 'gt', 1) | map(attribute='n') | first }}": "b",
    "{{ rows() | groupby('n') | map(attribute='grouper') | join }}": "ab",
    "{% for row in rows() %}{{ loop.index }}{{ row.n }}{{ loop.cycle(';', '.') }}{% endfor %}": "1b;2a.",
    "{% for key, group in rows() | groupby('n') %}{{ key }}{{ group | length }}{% endfor %}": "a1b1",
    "{% set n = namespace(t=0) %}{% for r in rows() %}{% set n.t = n.t + r.v %}{% endfor %}{{ n.t }}": "3",
    "{{ ['b', 'A', 'c'] | sort | join }}{{ ['b', 'A'] | max }}": "Abcb",
    "{{ 'a b' | title }}{{ 'A' | lower }}{{ ' a ' | trim }}{{ 'aXb'.split('X') | join('-') }}": "A Baaa-b",
    "{{ 'Hé llo' | slug }} {{ 'abcdefgh' | truncate(5, true, '') }}": "he-llo abcdefgh",
    "{{ '%03d %s %.1f%%' % (7, 'x', 2.25) }} {{ '%(a)s' | format(a=1) }}": "007 x 2.2% 1",
    "{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'abc' }}": "True False True",
    "{{ 3 not in [1, 2] }} {{ [1] == [1.0] }}": "True True",
    "{{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 5 }} {{ 7 / 2 }} {{ -3 | abs }} {{ 2.5 | round }}": "3 1 32 3.5 3 2.0",
    "{{ 'abcdef'[1:3] }}{{ [1, 2, 3][-1] }}{{ 'abc' | last }}": "bc3c",
    "{{ missing | default('x') }}{{ missing is defined }}{{ none | default('y', true) }}": "xFalsey",
    "{{ range(3) | batch(2) | map('join') | join('|') }} {{ dict(a=1).a }}": "01|2 1",
    "{{ range(5) | slice(2) | map('join') | join('|') }}": "012|34",
    "{{ 3 is odd }} {{ 'a' is string }} {{ 4 is divisibleby(2) }} {{ 2 is in([1, 2]) }}": "True True True True",
    "{{ {'b': 1, 'a': 2} | dictsort | map('first') | join }}{{ {'a': 1}.keys() | list | join }}": "aba",
    "{{ 'a\nb' | indent(2) }}|{{ 'a' | center(3) }}|": "a\n  b| a |",
    "{{ 3 | string ~ 4 | int }}": "34",
    "a\n": "a",
    "a\n\n": "a\n",
}


@pytest.mark.parametrize("template", TEXTS)
def test_the_templates_of_jinja_work(template: str, templates: Templates) -> None:
    assert templates.text(template) == TEXTS[template]


def test_parts_are_evaluated_apart_and_say_what_they_read(templates: Templates) -> None:
    source = "a {{ x }} b {{ y + z }} c {{ output('shots', a=1) }}{{ outputs(job ~ '') }}"
    compiled = templates.compiler.text(Text(source, Source(name="a", text=source)))
    assert [part if isinstance(part, str) else set(part.names) for part in compiled.parts] == [
        "a ",
        {"x"},
        " b ",
        {"y", "z"},
        " c ",
        {"output"},
        {"outputs", "job"},
    ]
    assert names_in(compiled) >= {"x", "y", "z", "job"}
    assert needs_in(compiled) == {"shots"}


def test_a_text_of_many_expressions_is_compiled_as_one(templates: Templates) -> None:
    source = "{{ x }}," * (MOST_PARTS + 1)
    assert len(templates.compiler.text(Text(source, Source(name="a", text=source))).parts) == 1
    assert templates.text(source, x=1) == "1," * (MOST_PARTS + 1)


def test_a_template_is_compiled_once_and_complained_of_once(templates: Templates) -> None:
    text = Text("{{ x + }}", Source(name="a.j2", text="{{ x + }}"))
    assert templates.compiler.text(text) is templates.compiler.text(text)
    for _ in range(3):
        with pytest.raises(EvaluationError) as caught:
            join(templates.compiler.text(text), {"x": 1})
        assert caught.value.explained(()) == ()
    assert [fault.detail for fault in templates.faults.sorted()] == ["unexpected `}}`"]


def test_what_one_evaluation_leaves_of_its_steps_serves_the_next(templates: Templates) -> None:
    spent = "{% for i in range(300000) %}{% endfor %}"
    evaluations = 0
    with pytest.raises(EvaluationError):  # noqa: PT012 - the point is how often it goes well
        while True:
            templates.value(spent)
            evaluations += 1
    assert 1 <= evaluations <= MOST_STEPS // 300_000
    with pytest.raises(EvaluationError) as caught:
        templates.value("{{ 1 }}")
    assert caught.value.explained(()) == ()


def test_small_templates_never_run_out(templates: Templates) -> None:
    text = "a {{ x | upper | replace('A', 'b') }}"
    for _ in range(3 * MOST_STEPS // STEPS_AN_EVALUATION):
        templates.text(text, x="a" * 100)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(max_size=8)
    | st.just(PHOTO)
    | st.just(OutputImage(address="a", key=None, index=1))
    | st.sampled_from([print, str.upper, object(), Templates]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FILTERED = st.lists(st.sampled_from(sorted(ALLOWED_FILTERS)), min_size=1, max_size=3)
ARGUMENTS = st.sampled_from(["", "", "", "('a')", "(2)", "(attribute='a')", "(x)", "('eq', x)", "('upper')", "(none)"])


OPERATORS = "+ - * / // % ** ~ == != < >= in and or".split()


def outcome(template: str, **scope: Any) -> str:
    """Return what a template comes to as JSON, or what is said of it; anything else that it raises gets out."""
    try:
        found = Templates().value(template, **scope)
    except EvaluationError as error:
        return " ".join(fault.detail for fault in error.explained(()))
    return json.dumps(found, default=lambda image: image.source, allow_nan=False)


@settings(max_examples=400, deadline=None)
@given(ANYTHING, FILTERED, ARGUMENTS)
@example([object()], ["rejectattr"], "(x)")
def test_no_filter_over_anything_fails_otherwise_than_in_words_or_lets_out_an_object(
    value: Any, filters: list[str], arguments: str
) -> None:
    assert " at 0x" not in outcome(f"{{{{ x | {' | '.join(filters)}{arguments} }}}}", x=value)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, st.sampled_from([*sorted(ALLOWED_TESTS), "eq", "ne", "lt", "ge", "in"]), ARGUMENTS)
def test_no_test_over_anything_fails_otherwise_than_in_words(value: Any, name: str, arguments: str) -> None:
    assert " at 0x" not in outcome(f"{{{{ x is {name}{arguments} }}}}", x=value)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, st.sampled_from(OPERATORS), ANYTHING)
def test_no_operator_over_anything_fails_otherwise_than_in_words(left: Any, operator: str, right: Any) -> None:
    assert " at 0x" not in outcome(f"{{{{ x {operator} y }}}}", x=left, y=right)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, st.sampled_from(["upper", "items", "get", "__class__", "_x", "format", "path", "0", "append"]))
def test_no_attribute_of_anything_fails_otherwise_than_in_words(value: Any, name: str) -> None:
    for template in (
        f"{{{{ x.{name} }}}}",
        f"{{{{ x['{name}'] }}}}",
        f"{{{{ x.{name}() }}}}",
        "{{ x() }}",
        "{{ x[0] }}",
    ):
        assert " at 0x" not in outcome(template, x=value)
