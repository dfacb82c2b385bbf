"""Plans made by hand, so that views can be shown every kind of action."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from specrun.diagnostics import Diagnostic, Source, Span
from specrun.model.held import HeldRun
from specrun.model.inputs import OutputImage
from specrun.model.lock import LockRow, State
from specrun.model.plan import Action, Change, Plan, Verb, total
from specrun.model.run import Common, Price, Run

SPAN = Span(source=Source(name="specs/shots.yaml", text="jobs:\n"), line=1, column=1, end_line=1, end_column=5)
CHEAP = Price(amount=Decimal("0.35"), currency="CNY")


class Make:
    """Builders of runs, actions and plans with everything that a test does not care about filled in."""

    def run(
        self,
        job: str = "shots",
        axes: Mapping[str, str] | None = None,
        *,
        model: str = "acme/one",
        images: int = 1,
        price: Price | None = CHEAP,
        needs: str | None = None,
        prompt: str = "a cat",
    ) -> Run:
        labels = tuple((axes or {}).items())
        address = f"{job}[{','.join(f'{axis}={label}' for axis, label in labels)}]" if labels else job
        image = {"image": OutputImage(address=needs, key="sha256:" + "0" * 64, index=1)} if needs else {}
        common = Common(
            job=job,
            axes=tuple(axis for axis, _ in labels),
            provider="modelverse",
            model=model,
            names=("prompt",),
            fixed={"n": images, **image},
            defaults=("n",),
            inputs=tuple(image),
            revision=1,
            schema_digest="sha256:" + "2" * 64,
            price=price,
            protect=False,
            span=SPAN,
        )
        return Run(
            address=address,
            common=common,
            labels=tuple(label for _, label in labels),
            values=(prompt,),
            seed=7,
            sample=1,
            key="sha256:" + "1" * 64,
            outputs=tuple(f"{job}/{number}.png" for number in range(images)),
        )

    def row(self, address: str) -> LockRow:
        return LockRow(
            address=address,
            key="sha256:" + "3" * 64,
            request_digest="sha256:" + "3" * 64,
            seed=7,
            provider="modelverse",
            model="acme/one",
            params={"prompt": "a dog"},
            defaults=(),
            revision=1,
            sample=1,
            schema_digest="sha256:" + "2" * 64,
            inputs={},
        )

    def action(
        self, verb: Verb, run: Run, reason: str = "", *changes: tuple[str, Any, Any], shares: str | None = None
    ) -> Action:
        return Action(
            verb=verb,
            address=run.address,
            reason=reason,
            run=run,
            changes=tuple(Change(field=field, old=old, new=new) for field, old, new in changes),
            shares=shares,
        )

    def held(self, run: Run, state: State, *, came: int = 0, request: str = "") -> Action:
        held = HeldRun(state=state, asked=run.images, came=came, price=run.price, request=(request or run.address, 1))
        return Action(verb=Verb.HELD, address=run.address, reason=held.why, run=run, held=held)

    def orphan(self, address: str) -> Action:
        return Action(verb=Verb.ORPHAN, address=address, reason="no longer in the spec", row=self.row(address))

    def plan(self, *actions: Action, name: str = "shots", warnings: tuple[Diagnostic, ...] = ()) -> Plan:
        spec = Path(f"specs/{name}.yaml")
        return Plan(spec=spec, name=name, actions=actions, totals=total(actions), warnings=warnings)


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()
