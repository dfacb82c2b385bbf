"""A held run: what became of its request, what that came to, and the ways on from there."""

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

import msgspec

from specrun.model.lock import LockRow, State
from specrun.model.money import Figures, figures_of, held_paid, images_asked, row_request
from specrun.model.run import Price

_WORD = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_CONSTANTS = frozenset(("null", "true", "false"))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How a person names a run to a command: its address or a selector, its spec, and what variant of it is meant.

    `vars` are `name=value` as `--var` takes them. With `several` the selector means more runs than a command should
    be given that pays for each, or that takes the images of one. The defaults are for messages about no run in
    particular.
    """

    selector: str = "ADDRESS"
    spec: str = ""
    variant: str | None = None
    vars: tuple[str, ...] = ()
    several: bool = False

    @property
    def one(self) -> str:
        """What names one run: to be filled in where several are meant."""
        return "ADDRESS" if self.several else self.selector

    @property
    def arguments(self) -> str:
        """The spec with its options, as a shell takes them."""
        given = [f"--var {shlex.quote(each)}" for each in self.vars]
        return " ".join([*_variant(self), *given, shlex.quote(self.spec or "SPEC")])

    @property
    def of_spec(self) -> str:
        """The same for commands that are given an address first, and the spec as an option."""
        return " ".join(["--spec", shlex.quote(self.spec), *_variant(self)]) if self.spec else ""


def var_word(name: str, value: Any) -> str:
    """Return a variable as `--var` takes it: a plain word as it is, all else as JSON, which YAML reads back."""
    plain = isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _CONSTANTS
    return f"{name}={value if plain else json.dumps(value, ensure_ascii=False)}"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A way on: when it fits, and its command as a shell takes it; what it has in capitals is to be filled in.

    `asking` are the options of an apply that make the difference, for whoever does not know its variables.
    """

    when: str
    command: str
    asking: str = ""


class HeldRun(msgspec.Struct, frozen=True, kw_only=True):
    """What is held: its state, how many images it asked for and how many came, and the price of one of them.

    `request` tells requests apart, since several runs may be served by one; `changed` says that the spec asks for
    something else by now, and `locked` that the lock holds it, not only the ledger.
    """

    state: State
    asked: int
    came: int = 0
    price: Price | None = None
    request: tuple[str, int] = ("", 0)
    changed: bool = False
    locked: bool = True

    @property
    def free(self) -> bool:
        """Whether nothing was, or can have been, paid."""
        return self.price is not None and not self.price.amount

    @property
    def figures(self) -> Figures:
        """What its request came to."""
        return figures_of(held_paid(self.state, self.asked, self.came), self.price)

    @property
    def why(self) -> str:
        """What happened, as a sentence without its full stop."""
        return why_held(self.state, self.came, free=self.free)

    def steps(self, place: Place) -> tuple[Step, ...]:
        """Return the ways on, the one to try first leading."""
        if not self.locked:
            # What settles a run goes by the lock, into which any apply writes how it is held.
            return (Step(when="to have the lock hold it", command=_apply(place, [], place.selector)),)
        return held_steps(self.state, place, asked=self.asked, came=self.came, free=self.free, changed=self.changed)


def held_row(row: LockRow, price: Price | None, *, changed: bool = False) -> HeldRun | None:
    """Return how a locked run is held, None where it is not."""
    if not row.held or row.state is None:
        return None
    return HeldRun(
        state=row.state,
        asked=images_asked(row),
        came=len(row.outputs),
        price=price,
        request=row_request(row),
        changed=changed,
    )


def why_held(state: State, came: int, *, free: bool = False) -> str:
    """Say what happened to a run in this state of which so many images came."""
    paid = "" if free else "paid for, and "
    match state:
        case State.UNKNOWN if free:
            return "an earlier request got no answer, and nobody knows what came of it"
        case State.PARTIAL if came:
            return f"{paid}only some of its images arrived"
        case State.PARTIAL:
            return f"{paid}none of its images arrived"
        case _:
            return state.why


def held_steps(
    state: State, place: Place, *, asked: int = 1, came: int = 0, free: bool = False, changed: bool = False
) -> tuple[Step, ...]:
    """Return the ways on from a state, the one to try first leading; none where the spec has let the run go."""
    if free:
        when = "to ask again, for nothing"
        return (_again(when, place, anew=changed or state is not State.UNKNOWN),)
    again = _again("to ask, and pay, again", place, anew=True)
    perhaps = _again("to ask, and perhaps pay, again", place, anew=changed)
    unbilled = Step(when="if it was not billed", command=_resolve(place, ["--not-billed"], place.selector))
    file = Step(when="if the provider has the images", command=_resolve(place, ["--file IMAGE"] * asked, place.one))
    accept = Step(when="to leave it so", command=_resolve(place, ["--accept"], place.selector))
    if changed:
        return (unbilled, perhaps) if state is State.UNKNOWN else (again,)
    return {
        State.UNKNOWN: (unbilled, file, perhaps),
        State.PARTIAL: (accept, again) if came else (file, again, accept),
        State.UNUSABLE: (file, again),
        State.REFUSED: (accept, _again("to ask the same again", place, anew=True)),
        State.ORPHAN: (),
    }[state]


def _resolve(place: Place, options: Sequence[str], selector: str) -> str:
    words = ["specrun resolve", *options, place.of_spec, shlex.quote(selector)]
    return " ".join(word for word in words if word)


def _again(when: str, place: Place, *, anew: bool) -> Step:
    """Return the step that asks for a run again: for another take, or for the same where nobody knows of the first."""
    selector = place.one if anew else place.selector
    asking = f"--replace {shlex.quote(selector)}" if anew else "--retry-unknown"
    return Step(when=when, command=_apply(place, [asking], selector), asking=asking)


def _apply(place: Place, options: Sequence[str], selector: str) -> str:
    return " ".join(["specrun apply", *options, "--target", shlex.quote(selector), place.arguments])


def _variant(place: Place) -> Sequence[str]:
    return () if place.variant is None else ("--name", shlex.quote(place.variant))
