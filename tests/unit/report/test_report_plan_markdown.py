import html
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specrun.diagnostics import Diagnostic, Severity
from specrun.model.plan import Plan, Verb
from specrun.report.markdown import LIMIT
from specrun.report.plan_markdown import as_markdown

HOSTILE = (
    "```` ``` ` | <script>alert(1)</script> </summary></details></code> @octocat #1 org/repo#2 [x](javascript:alert(1))"
    " ![i](https://example.com/i.png) https://example.com a@example.com \x1b[31m \u202e \u2066 <!-- &lt; \\| **b** "
    "\n\n# h\n- [ ] t\n"
)
OWN_TAGS = {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "details", "summary", "p", "em", "strong"}


def rendered(markdown: str) -> str:
    page: str = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown)
    return page


def tags(page: str) -> set[str]:
    return set(re.findall(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)", page))


def hostile_plan(make: Any, text: str, number: int = 1) -> Plan:
    runs = [make.run(text, {text: f"{text}{i}"}, model=text, prompt=text) for i in range(number)]
    plan: Plan = make.plan(
        make.action(Verb.REPLACE, make.run(text), text, ("prompt", text, f"new {text}"), (text, [text], {text: text})),
        *(make.action(Verb.CREATE, run, text) for run in runs),
        make.orphan(f"gone[{text}]"),
        name=text.replace("/", "_") or "-",
        warnings=(Diagnostic(summary=text, detail=text, hint=text, severity=Severity.WARNING),),
    )
    return plan


def test_a_comment_leads_with_the_totals_and_folds_the_jobs(make: Any) -> None:
    plan = make.plan(
        make.action(Verb.CREATE, make.run(axes={"item": "X1"}), "not made yet"),
        make.action(
            Verb.REPLACE, make.run(axes={"item": "X2"}), "prompt changed", ("prompt", "a red cat", "a blue cat")
        ),
        make.action(Verb.KEEP, make.run(axes={"item": "X3"})),
    )
    assert as_markdown([plan], quotas={"acme/one": 5}) == (
        "### specrun plan\n"
        "\n"
        "| spec | plan | requests | price |\n"
        "|---|---|---|---|\n"
        "| `specs/shots.yaml` | 1 create, 1 replace, 1 keep | 2 for 2 images | 0.70 CNY |\n"
        "\n"
        f"Digest, for `specrun apply --expect DIGEST SPEC`: `{plan.digest}`\n"
        "\n"
        "Free quota: `acme/one` gives an account 5 free images, the price does not count them; 2 asked for.\n"
        "\n"
        "<details><summary><code>shots</code>: 1 create, 1 replace, 1 keep</summary>\n"
        "\n"
        "```diff\n"
        "+ create 1 run; 1 image, 0.35 CNY; not made yet\n"
        "    shots[item=X1]\n"
        "! replace 1 run; 1 image, 0.35 CNY; prompt changed\n"
        "    shots[item=X2]\n"
        "        prompt: a [-red-]{+blue+} cat\n"
        "= keep 1 run\n"
        "```\n"
        "\n"
        "</details>\n"
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("jobs", [1, 500, 10_000])
def test_a_plan_of_ten_thousand_runs_fits_a_comment_and_says_all_totals(make: Any, jobs: int, *, full: bool) -> None:
    runs = [make.run(f"job{i % jobs}", {"i": f"label{i}"}) for i in range(10_000)]
    plan = make.plan(*(make.action(Verb.CREATE, run, "not made yet") for run in runs))
    markdown = as_markdown([plan], quotas={}, full=full)
    assert len(markdown) <= LIMIT
    assert "| 10,000 create | 10,000 for 10,000 images | 3,500.00 CNY |" in markdown
    shown = sum(int(number.replace(",", "")) for number in re.findall(r"</code>: ([\d,]+) create", markdown))
    left = re.search(r"\*([\d,]+) runs? left out", markdown)
    assert shown + (int(left[1].replace(",", "")) if left else 0) == 10_000


def test_a_thousand_specs_fit_one_comment_with_a_row_for_all_of_them(make: Any) -> None:
    plans = [make.plan(make.action(Verb.CREATE, make.run()), name=f"{'x' * 200}{i}") for i in range(1000)]
    markdown = as_markdown(plans, quotas={})
    assert len(markdown) <= LIMIT
    assert "| **all 1,000 specs, 900 of them not listed** | **1,000 create** |" in markdown
    assert "**350.00 CNY** |" in markdown


def test_wide_characters_count_as_hosts_count_them(make: Any) -> None:
    plan = make.plan(*(make.action(Verb.CREATE, make.run(f"{i}", {"i": "🦊" * 30})) for i in range(2000)))
    assert len(as_markdown([plan], quotas={}, full=True).encode("utf-16-le")) // 2 <= LIMIT


@pytest.mark.parametrize("full", [False, True])
def test_hostile_prompts_render_inert(make: Any, *, full: bool) -> None:
    page = rendered(
        as_markdown([hostile_plan(make, HOSTILE, 20), hostile_plan(make, HOSTILE)], quotas={HOSTILE: 5}, full=full)
    )
    assert tags(page) <= OWN_TAGS
    assert not set(page) & set("\x1b\u202e\u2066")
    outside_code = re.sub(r"<code[^>]*>.*?</code>", "", page, flags=re.DOTALL)
    assert "octocat" not in outside_code
    assert "example.com" not in outside_code
    assert "alert" not in outside_code


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
    | st.text("`|<>&\\@_*[](){}#!~:/\n \x1b", max_size=50)
)
def test_any_text_at_all_renders_to_the_same_elements(make: Any, text: str) -> None:
    page = rendered(as_markdown([hostile_plan(make, text)], quotas={}))
    plain = rendered(as_markdown([hostile_plan(make, "plain")], quotas={}))
    assert re.findall(r"</?[a-z]+", page) == re.findall(r"</?[a-z]+", plain)
    assert not set(html.unescape(page)) & set("\x1b\u202e")
