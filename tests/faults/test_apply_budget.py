"""Money: limits kept before the first request and at each one, stakes and sums told."""

from decimal import Decimal
from pathlib import Path

import pytest
from applying import Shop, numbered
from fault_server import FaultServer
from faults import good, reset_after_reading
from msgspec.structs import replace

from specrun.apply.budget import OverBudgetError
from specrun.apply.events import RunHeld, Stopping
from specrun.apply.options import ApplyOptions
from specrun.model.project import Budget
from specrun.model.run import Price


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(images=3), "asks for 4 images; the limit is 3"),
        (Budget(cost=(Price(amount=Decimal("0.39"), currency="CNY"),)), "costs 0.40 CNY; the limit is 0.39 CNY"),
        (Budget(cost=(Price(amount=Decimal(9), currency="USD"),)), "no limit in CNY is set"),
    ],
)
def test_a_plan_over_a_limit_sends_and_writes_nothing(tmp_path: Path, budget: Budget, reason: str) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(4))
        with pytest.raises(OverBudgetError, match=reason):
            shop.apply(budget=budget)
        assert not (tmp_path / "specs" / "shots.lock.json").exists()
    assert server.posts == []


def test_the_projects_own_budget_counts_too(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(4))
        settings = (tmp_path / "specrun.yaml").read_text()
        (tmp_path / "specrun.yaml").write_text(settings.removesuffix("}") + ', "budget": {"images": 2}}')
        with pytest.raises(OverBudgetError, match="the limit is 2"):
            shop.apply()
    assert server.posts == []


def test_a_limit_on_cost_cannot_be_kept_where_a_price_is_unknown(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "mine.json").write_text(
        '{"type": "object", "properties": {"model": {"const": "mine"}, "prompt": {"type": "string"}},'
        ' "required": ["model", "prompt"], "additionalProperties": false}'
    )
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2, model="mine"))
        with pytest.raises(OverBudgetError, match="price of 2 images is unknown"):
            shop.apply(budget=Budget(cost=(Price(amount=Decimal(9), currency="CNY"),)))
        assert shop.apply().finished.unpriced == 2


def test_what_was_spent_and_what_may_have_been_are_told_apart(tmp_path: Path) -> None:
    with FaultServer([good(), reset_after_reading]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(4))
        applied = shop.apply()
    assert applied.finished.spent == (Price(amount=Decimal("0.10"), currency="CNY"),)
    assert applied.finished.stake == (Price(amount=Decimal("0.30"), currency="CNY"),)
    assert {event.stake for event in applied.told(RunHeld)} == {Price(amount=Decimal("0.10"), currency="CNY")}


def test_requests_beyond_what_the_plan_counted_stop_at_the_limit(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(4))
        counted = shop.plan(targets=("shots[i=1]",)).totals
        plan = replace(shop.plan(), totals=counted)
        applied = shop.apply_plan(plan, ApplyOptions(budget=Budget(images=1)))
    assert len(server.posts) == 1
    (stopping,) = applied.told(Stopping)
    assert stopping.cause == "the budget of this apply is spent"
    assert applied.finished.not_started == 3
