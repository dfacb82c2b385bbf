import re
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from specrun.model.lock import State
from specrun.model.plan import Plan, Verb
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.ink import Ink
from specrun.report.plan_text import as_text
from specrun.report.word_diff import word_diff


def shown(*plans: Plan, **options: Any) -> str:
    return "\n".join(as_text(plans, **{"quotas": {}, **options})) + "\n"


def text(string: str) -> str:
    return dedent(string).lstrip("\n")


def test_few_runs_are_listed_with_their_reasons_and_changes(make: Any) -> None:
    plan = make.plan(
        make.action(Verb.CREATE, make.run(axes={"item": "X1"}), "not made yet"),
        make.action(
            Verb.REPLACE,
            make.run(axes={"item": "X2"}),
            "prompt and guidance_scale changed",
            ("prompt", "a red cat on a hill", "a blue cat on a hill"),
            ("guidance_scale", 3, 4.5),
        ),
        make.action(Verb.KEEP, make.run(axes={"item": "X3"})),
        make.orphan("old[item=X9]"),
    )
    assert shown(plan) == text("""
        shots (specs/shots.yaml)

          shots
            + create 1 run; 1 image, 0.35 CNY; not made yet
                shots[item=X1]
            ~ replace 1 run; 1 image, 0.35 CNY; prompt and guidance_scale changed
                shots[item=X2]
                    prompt: a [-red-]{+blue+} cat on a hill
                    guidance_scale: 3 -> 4.5
            = keep 1 run

          old
            - orphan 1 run; no longer in the spec
                old[item=X9]

        Plan: 1 create, 1 replace, 1 keep, 1 orphan.
        Requests: 2 for 2 images.
        Price: 0.70 CNY.
    """)


def test_many_runs_are_folded_into_their_axes(make: Any) -> None:
    runs = [make.run(axes={"item": f"X{i}", "sample": str(s)}, images=2) for i in range(40) for s in (1, 2)]
    plan = make.plan(*(make.action(Verb.CREATE, run, "not made yet") for run in runs))
    assert shown(plan) == text("""
        shots (specs/shots.yaml)

          shots
            + create 80 runs; 160 images, 56.00 CNY; not made yet
                item (40): X0, X1, X2, X3, X4, X5, X6, X7, … 32 more
                sample (2): 1, 2

        Plan: 80 create.
        Requests: 80 for 160 images.
        Price: 56.00 CNY.
    """)


def test_a_folded_group_that_is_not_a_full_product_says_so(make: Any) -> None:
    runs = [make.run(axes={"a": str(i), "b": str(i)}) for i in range(10)]
    assert "10 of these 100 combinations" in shown(make.plan(*(make.action(Verb.CREATE, run) for run in runs)))


def test_a_folded_replacement_shows_what_all_share_once_and_the_rest_by_example(make: Any) -> None:
    plan = make.plan(
        *(
            make.action(
                Verb.REPLACE, make.run(axes={"i": str(i)}), "changed", ("steps", 20, 28), ("prompt", f"a {i}", f"b {i}")
            )
            for i in range(100)
        )
    )
    assert text("""
            ~ replace 100 runs; 100 images, 35.00 CNY; changed
                i (100): 0, 1, 2, 3, 4, 5, 6, 7, … 92 more
                each: steps: 20 -> 28
                for example
                    shots[i=0]
                        steps: 20 -> 28
                        prompt: [-a-]{+b+} 0
    """).replace("\n", "\n    ").strip() in shown(plan)


def test_another_composition_is_expected_only_where_an_image_is_asked_for(make: Any) -> None:
    run = make.run()
    asked = replace(
        make.action(Verb.REPLACE, run, "changed", ("steps", 20, 28)), row=replace(make.row(run.address), seed=0)
    )
    assert "expect another composition" in shown(make.plan(asked))
    assert "expect another composition" not in shown(make.plan(replace(asked, made=((1, "sha256:b"),))))


def test_full_lists_every_run(make: Any) -> None:
    plan = make.plan(*(make.action(Verb.CREATE, make.run(axes={"i": str(i)})) for i in range(500)))
    full = shown(plan, full=True)
    assert all(f"        shots[i={i}]\n" in full for i in range(500))


@pytest.mark.parametrize("jobs", [1, 100, 10_000])
def test_ten_thousand_actions_take_a_few_hundred_lines_and_end_with_the_totals(make: Any, jobs: int) -> None:
    runs = [make.run(f"job{i % jobs}", {"i": str(i)}) for i in range(10_000)]
    lines = shown(
        make.plan(*(make.action(Verb.CREATE, run, f"because {i}") for i, run in enumerate(runs)))
    ).splitlines()
    assert len(lines) < 600
    assert lines[-3:] == [
        "Plan: 10,000 create.",
        "Requests: 10,000 for 10,000 images.",
        "Price: 3,500.00 CNY.",
    ]


def test_prices_are_exact_per_currency_and_unknown_ones_are_said(make: Any) -> None:
    tiny, dollars = Price(amount=Decimal("0.1"), currency="CNY"), Price(amount=Decimal("0.0001"), currency="USD")
    runs = [
        make.run(axes={"i": "1"}, price=tiny, images=3),
        make.run(axes={"i": "2"}, price=dollars),
        make.run(axes={"i": "3"}, price=None, images=4),
    ]
    assert "Price: 0.30 CNY, 0.0001 USD, and 4 images of unknown price.\n" in shown(
        make.plan(*(make.action(Verb.CREATE, run) for run in runs))
    )


def test_a_plan_whose_prices_are_all_unknown_claims_no_sum(make: Any) -> None:
    assert "Price: 1 image of unknown price.\n" in shown(make.plan(make.action(Verb.CREATE, make.run(price=None))))


def test_a_plan_that_changes_nothing_says_so(make: Any) -> None:
    assert shown(make.plan(make.action(Verb.KEEP, make.run()))).endswith(
        "Nothing to do: 1 keep.\nRequests: none.\nPrice: nothing.\n"
    )


def test_several_specs_end_with_what_all_come_to(make: Any) -> None:
    first = make.plan(make.action(Verb.CREATE, make.run()))
    second = make.plan(make.action(Verb.CREATE, make.run()), make.action(Verb.KEEP, make.run("b")), name="other")
    assert shown(first, second).endswith(
        "\nAll 2 specs\nPlan: 2 create, 1 keep.\nRequests: 2 for 2 images.\nPrice: 0.70 CNY.\n"
    )


def test_free_quotas_stand_against_what_is_asked_of_paid_models(make: Any) -> None:
    free = Price(amount=Decimal(0), currency="CNY")
    plan = make.plan(
        make.action(Verb.CREATE, make.run(axes={"i": "1"}, images=4)),
        make.action(Verb.CREATE, make.run(axes={"i": "2"}, model="acme/two")),
        make.action(Verb.CREATE, make.run(axes={"i": "3"}, model="acme/free", price=free)),
    )
    assert shown(plan, quotas={"acme/one": 5, "acme/free": 5}).endswith(
        "Free quota: acme/one gives an account 5 free images, the price does not count them; 4 asked for.\n"
    )


def test_held_runs_name_the_money_at_stake(make: Any) -> None:
    lost = make.held(make.run(axes={"i": "1"}, images=2), State.PARTIAL, came=1)
    unknown = make.held(make.run(axes={"i": "2"}), State.UNKNOWN)
    unpriced = make.held(make.run(axes={"i": "3"}, price=None), State.UNKNOWN)
    refused = make.held(make.run(axes={"i": "4"}), State.REFUSED)
    assert shown(make.plan(lost, unknown, unpriced, refused)).endswith(
        "At stake in held runs: 0.35 CNY spent for lost images; "
        "0.35 CNY and 1 image of unknown price may have been spent.\n"
    )


def test_runs_that_one_request_holds_are_at_stake_once(make: Any) -> None:
    first, second = (make.held(make.run(axes={"i": i}), State.UNKNOWN, request="sha256:r") for i in "12")
    assert "At stake in held runs: 0.35 CNY may have been spent.\n" in shown(make.plan(first, second))


def test_what_a_free_provider_did_not_answer_puts_nothing_at_stake(make: Any) -> None:
    free = Price(amount=Decimal(0), currency="CNY")
    text = shown(make.plan(make.held(make.run(price=free), State.UNKNOWN)))
    assert "stake" not in text
    assert "    to ask again, for nothing: specrun apply --retry-unknown --target shots specs/shots.yaml\n" in text


def test_held_runs_are_listed_with_the_commands_that_lead_on(make: Any) -> None:
    held = [make.held(make.run(axes={"i": f"{i}"}, images=2), State.UNKNOWN) for i in range(60)]
    lines = shown(make.plan(*held)).splitlines()
    file = "specrun resolve --file IMAGE --file IMAGE --spec specs/shots.yaml ADDRESS"
    assert lines[-8:-5] == [
        "        if it was not billed: specrun resolve --not-billed --spec specs/shots.yaml shots",
        f"        if the provider has the images: {file}",
        "        to ask, and perhaps pay, again: specrun apply --retry-unknown --target shots specs/shots.yaml",
    ]


def test_lost_runs_are_counted_with_what_brings_them_back_each_once(make: Any) -> None:
    lost = [make.action(Verb.LOST, make.run("poster", axes={"i": str(i)}), "its bytes are nowhere") for i in range(102)]
    last = shown(make.plan(*lost)).splitlines()[-2:]
    assert last[0] == "Lost: 102 runs, for example poster[i=0]."
    assert "`specrun pull specs/shots.yaml`" in last[1]
    assert "`specrun apply --regenerate-lost specs/shots.yaml` asks (and pays, 35.70 CNY) again" in last[1]


def test_totals_say_which_specs_they_leave_out(make: Any) -> None:
    plan = make.plan(make.action(Verb.CREATE, make.run(), "not made yet"))
    told = shown(plan, plan, left_out=[Path("specs/torn.yaml")])
    assert "\n2 of 3 specs, without specs/torn.yaml: it cannot be planned\nPlan: 2 create.\n" in told
    assert "\n1 of 2 specs, without specs/torn.yaml" in shown(plan, left_out=[Path("specs/torn.yaml")])
    assert "\nAll 2 specs\n" in shown(plan, plan)


def test_runs_that_share_a_request_are_counted_once_and_named(make: Any) -> None:
    first = make.run(axes={"i": "1"})
    plan = make.plan(
        make.action(Verb.CREATE, first, "not made yet"),
        make.action(Verb.CREATE, make.run(axes={"i": "2"}), "not made yet", shares=first.address),
    )
    assert "+ create 2 runs; 1 image, 0.35 CNY; 1 served by another run's request; not made yet\n" in shown(plan)


def test_digests_are_shortened_and_absent_values_named(make: Any) -> None:
    plan = make.plan(make.action(Verb.REPLACE, make.run(), "image changed", ("image", "sha256:" + "ab" * 32, None)))
    assert "image: sha256:abababababab… -> (none)\n" in shown(plan)


def test_no_raw_control_byte_reaches_the_terminal(make: Any) -> None:
    nasty = "\x1b[2J\x07\u202e\n::add-mask::x "
    plan = make.plan(
        make.action(
            Verb.REPLACE,
            make.run(nasty, {nasty: nasty}),
            nasty,
            ("prompt", nasty, "b " + nasty),
            (nasty, 1, {nasty: 2}),
        ),
        *(make.action(Verb.CREATE, make.run("many", {nasty: nasty + str(i)}), nasty) for i in range(20)),
    )
    for full in (True, False):
        assert not set(shown(plan, full=full)) & set("\x1b\x07\u202e")
        assert "::add-mask::" not in [line.lstrip()[:12] for line in shown(plan, full=full).splitlines()]


def test_colour_appears_only_when_asked_for(make: Any) -> None:
    plan = make.plan(make.action(Verb.CREATE, make.run()))
    assert "\x1b" not in shown(plan)
    assert "\x1b[32m+ create 1 run\x1b[0m" in shown(plan, ink=Ink(colour=True))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a red cat", "a red cat", "a red cat"),
        ("a red cat", "a blue cat", "a [-red-]{+blue+} cat"),
        ("a cat", "a very big cat", "a {+very big +}cat"),
        ("a cat, softly lit", "a cat, hard light", "a cat, [-softly lit-]{+hard light+}"),
        ("cat.", "cat!", "cat[-.-]{+!+}"),
        ("猫 on a hill", "犬 on a hill", "[-猫-]{+犬+} on a hill"),
    ],
)
def test_a_word_diff_marks_the_words_that_changed(old: str, new: str, expected: str) -> None:
    assert word_diff(old, new) == expected


def test_a_word_diff_of_long_prompts_stays_short() -> None:
    same = " ".join(f"word{i}" for i in range(500))
    assert len(word_diff(f"{same} red {same}", f"{same} blue {same}")) < 200
    assert len(word_diff("a " * 10_000, "b " * 10_000)) < 1000


@given(st.text("ab .\n", max_size=30), st.text("ab .\n", max_size=30))
def test_a_word_diff_holds_both_texts(old: str, new: str) -> None:
    shown = word_diff(old, new)
    assert re.sub(r"\[-.*?-\]|\{\+(.*?)\+\}", r"\1", shown) == inert.line(new)
    assert re.sub(r"\[-(.*?)-\]|\{\+.*?\+\}", r"\1", shown) == inert.line(old)
