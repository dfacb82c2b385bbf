import json
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator

from specrun.catalog.shipped import format_path
from specrun.model.plan import Plan, Verb
from specrun.model.run import Price
from specrun.report.plan_json import as_json


def document(plan: Plan) -> Any:
    return json.loads("".join(as_json(plan, "specs/shots.yaml")))


def every_kind(make: Any) -> Plan:
    run = make.run(axes={"item": "X1"}, images=2)
    plan: Plan = make.plan(
        make.action(Verb.CREATE, run, "not made yet"),
        make.action(Verb.CREATE, make.run(axes={"item": "X2"}), "not made yet", shares=run.address),
        make.action(Verb.REPLACE, make.run("poster", needs=run.address), "prompt changed", ("prompt", "a", "b")),
        make.action(Verb.KEEP, make.run(axes={"item": "X3"}, price=None)),
        make.action(Verb.HELD, make.run(axes={"item": "X4"}, price=Price(amount=Decimal("1E+2"), currency="USD")), "?"),
        make.orphan("old[item=X9]"),
    )
    return plan


def test_a_plan_document_is_valid_by_its_schema(make: Any) -> None:
    schema = json.loads(format_path("plan").read_text("utf-8"))
    for plan in (every_kind(make), make.plan()):
        Draft202012Validator(schema).validate(document(plan))


def test_each_action_stands_on_a_line_of_its_own_in_plan_order(make: Any) -> None:
    plan = every_kind(make)
    lines = [
        json.loads(line.rstrip(","))
        for line in "".join(as_json(plan, "specs/shots.yaml")).splitlines()
        if line.startswith('{"action"')
    ]
    assert [line["address"] for line in lines] == [action.address for action in plan.actions]


def test_an_action_says_all_that_a_reader_downstream_needs(make: Any) -> None:
    replaced = document(every_kind(make))["actions"][2]
    assert replaced == {
        "action": "replace",
        "address": "poster",
        "key": "sha256:" + "1" * 64,
        "reason": "prompt changed",
        "changes": [{"field": "prompt", "old": "a", "new": "b"}],
        "job": "poster",
        "axes": {},
        "provider": "modelverse",
        "model": "acme/one",
        "seed": 7,
        "params": {"image": {"index": 1, "key": "sha256:" + "0" * 64}, "n": 1, "prompt": "a cat", "seed": 7},
        "images": 1,
        "price": {"amount": "0.35", "currency": "CNY"},
        "outputs": ["poster/0.png"],
        "shares": None,
        "request": True,
        "take": 1,
    }


def test_totals_are_exact_and_unknown_prices_counted(make: Any) -> None:
    plan = make.plan(
        *(
            make.action(Verb.CREATE, make.run(axes={"i": str(i)}, price=Price(amount=Decimal("0.1"), currency="CNY")))
            for i in range(3)
        ),
        make.action(Verb.CREATE, make.run(axes={"i": "x"}, price=None, images=4)),
    )
    totals = document(plan)["totals"]
    assert totals["cost"] == [{"amount": "0.3", "currency": "CNY"}]
    assert (totals["requests"], totals["images"], totals["unpriced"]) == (4, 7, 4)


def test_a_plan_document_holds_no_raw_control_byte_and_still_says_the_same(make: Any) -> None:
    nasty = "\x1b[2J\x9b\u202e\u200b猫"
    text = "".join(as_json(make.plan(make.action(Verb.CREATE, make.run(prompt=nasty), nasty)), nasty))
    assert not set(text) & set("\x1b\x9b\u202e\u200b")
    assert json.loads(text)["actions"][0]["params"]["prompt"] == nasty


def test_the_same_plan_gives_the_same_bytes(make: Any) -> None:
    assert "".join(as_json(every_kind(make), "specs/shots.yaml")) == "".join(
        as_json(every_kind(make), "specs/shots.yaml")
    )
