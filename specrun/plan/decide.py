"""Runs and the world to actions: keep, or act with a reason."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from specrun.model.held import HeldRun, held_row
from specrun.model.inputs import FileImage, InputImage, OutputImage, UrlImage
from specrun.model.lock import LockedOutput, LockRow, State
from specrun.model.pinned import pinned_row
from specrun.model.plan import Action, Verb
from specrun.model.provenance import ProvenanceSettings
from specrun.model.request import request_digest
from specrun.model.run import Price, Run
from specrun.plan.chains import another_input, chains
from specrun.plan.changes import changes
from specrun.plan.found import found_row, unobstructed
from specrun.plan.replacement import NEVER_MADE, Paths, as_change, over_what_stands, paths_differ
from specrun.plan.world import World
from specrun.provenance.sidecar import settings_of
from specrun.store.attempts import Attempt, AttemptState
from specrun.store.standing import HeldBack, Made, Standing, UnderWay


def _unknown_price(_row: LockRow) -> None:
    return None


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks for beside the spec: addresses to ask anew, and whether to pay for lost images again.

    `free` says that asking costs nothing, `shared` that a store may have more images than is known here. `price_of`
    says what one image of a locked run costs.
    """

    replace: frozenset[str] = msgspec.field(default_factory=frozenset)
    retry_unknown: bool = False
    regenerate_lost: bool = False
    free: bool = False
    shared: bool = False
    price_of: Callable[[LockRow], Price | None] = _unknown_price
    provenance: ProvenanceSettings = msgspec.field(default_factory=ProvenanceSettings)


class Decider:
    """Decides run by run, in plan order, so that what changes upstream is known downstream."""

    def __init__(self, runs: tuple[Run, ...], world: World, wishes: Wishes) -> None:
        self._runs = runs
        self._world = world
        self._wishes = wishes
        self._rows = list(map(world.rows.get, map(attrgetter("address"), runs)))
        self._chains = chains(runs)
        self._stands = self._standing()
        self._asked: dict[tuple[str | None, int], str] = {}
        self._decided: dict[str, Action] = {}
        self._moved: dict[str, str] = {}
        self._standings: dict[str, Standing] = {}
        self._found: dict[str, LockRow] = {}
        self._look_up(zip(runs, self._rows, self._stands, strict=True))
        for found in self._finding():
            self._found[found.address] = found

    def actions(self) -> tuple[Action, ...]:
        """Return one action a run, in order, then the orphans by address."""
        if self._all_new():
            return tuple([Action(Verb.CREATE, run.address, NEVER_MADE, run) for run in self._runs])
        actions = []
        for run, row, stands in self._in_turn():
            action = Action(Verb.KEEP, run.address, "", run, row) if stands else self._decide(run, row)
            action = unobstructed(action, self._world, self._found)
            if self._chains:
                action = self._decided[run.address] = self._chained(action)
            actions.append(self._shared(action))
        return (*actions, *self._orphans())

    def _in_turn(self) -> Iterator[tuple[Run, LockRow | None, bool]]:
        """Yield the runs with their rows; before a job whose images are made from others', ask what is known of them.

        Only now it is decided what those others will be.
        """
        runs = zip(self._runs, self._rows, self._stands, strict=True)
        if not self._chains:
            yield from runs
            return
        for _, same in groupby(runs, key=lambda each: each[0].job):
            found = list(same)
            self._look_up(each for each in found if each[0].address in self._chains)
            yield from found

    def _all_new(self) -> bool:
        """Whether nothing is known of any run, and no two share a request: a spec before its first apply."""
        if self._world.rows or self._standings or self._wishes.replace or self._chains or not self._world.files.empty:
            return False
        keys = {run.key for run in self._runs}
        return len(keys) == len(self._runs) and None not in keys

    def _finding(self) -> Iterator[LockRow]:
        """Yield what images say of themselves that nothing else here knows of; those yielded before count as known."""
        if self._world.files.empty:
            return
        for run, row, stands in zip(self._runs, self._rows, self._stands, strict=True):
            if stands or self._made(self._standings.get(self._digest(run) or "")) is not None:
                continue
            pins = pinned_row(run, self._input_digest, self._digest(run), 1)
            found = found_row(run, pins, self._world, self._wishes.provenance)
            if found is not None and (row is None or row.key != run.key or row.take <= found.take):
                yield found

    def _standing(self) -> list[bool]:
        """Say of each run whether it shows at a glance that all is as locked and as wanted, as it does for nearly all.

        What it costs is a large part of a plan with nothing to do.
        """
        damaged, anew = self._world.damaged, self._wishes.replace
        mode, omit = self._wishes.provenance.mode, self._wishes.provenance.omit
        return [
            row is not None
            and row.key == run.key is not None
            and row.state is None
            and (stamp := row.provenance) is not None
            and stamp.mode is mode
            and stamp.omit == omit
            and tuple([output.path for output in row.outputs if output.file != output.blob]) == run.outputs
            and not (damaged and any((output.path, output.file) in damaged for output in row.outputs))
            and run.address not in anew
            for run, row in zip(self._runs, self._rows, strict=True)
        ]

    def _orphans(self) -> Iterator[Action]:
        rows = self._world.rows
        if len(rows) == len(self._rows) - self._rows.count(None):
            return
        for address in sorted(rows.keys() - self._wanted.keys() - self._moved.keys()):
            row = rows[address]
            held = held_row(row, self._wishes.price_of(row)) if row.held else None
            reason = "no longer in the spec; kept until `specrun prune SPEC`"
            yield Action(Verb.ORPHAN, address, reason, None, row, held=held)

    def _decide(self, run: Run, row: LockRow | None) -> Action:
        action = self._served(run, row)
        before = row if row is not None and row.outputs else self._paths.at(run.outputs)
        if before is None or (before.key == run.key and run.key is not None):
            return action if row is None or row.outputs else over_what_stands(action, run, self._world)
        if before is not row:
            if action.verb in (Verb.HELD, Verb.LOST):
                return action
            self._moved.setdefault(before.address, run.address)
        return as_change(action, run, before)

    def _served(self, run: Run, row: LockRow | None) -> Action:
        """Decide for one run, whatever images it has under another request."""
        if run.key is None:
            return Action(Verb.CREATE, run.address, "known after lock: an input URL has not been fetched yet", run, row)
        asked = self._asked_anew(run, row) if run.address in self._wishes.replace else None
        if asked is not None:
            return asked
        if row is not None and row.key == run.key:
            return self._locked(run, row)
        if row is not None and row.held and row.state is not State.REFUSED:
            return self._held_and_changed(run, row)
        origin = self._elsewhere(run)
        if origin is not None:
            return self._from(run, row, origin)
        return self._known_to_ledger(run, row) or self._new(run, row)

    def _asked_anew(self, run: Run, row: LockRow | None) -> Action | None:
        """Ask for another take of a request, wherever an earlier one is known; None where none is."""
        known = row if row is not None and row.key == run.key and (row.outputs or row.state) else self._elsewhere(run)
        take = 0 if known is None else known.take
        standing = self._standings.get(self._digest(run) or "") if known is None else None
        if isinstance(standing, (Made, HeldBack, UnderWay)):
            take = standing.attempt.intent.take
        if not take:
            return None
        return Action(Verb.REPLACE, run.address, "asked for with --replace", run, row, take=take + 1)

    def _locked(self, run: Run, row: LockRow) -> Action:
        """Decide for a run that is locked under this address and key."""
        if row.accepted:
            return Action(Verb.KEEP, run.address, "", run, row)
        if row.state is State.UNKNOWN and run.address in self._found:
            return self._from(run, row, self._found[run.address])
        if row.state not in (None, State.ORPHAN):
            return self._held(run, row, row)
        if not row.outputs:
            return self._pinned(run, row)
        if paths_differ(row, run):
            return self._moved_or_lost(run, row, row, f"path was {row.outputs[0].path}")
        wrong = [output for output in row.outputs if not self._world.delivered(output)]
        return self._restored_or_lost(run, row, wrong) if wrong else self._kept(run, row)

    def _pinned(self, run: Run, row: LockRow) -> Action:
        """Decide for a run that has a row and no images of its own."""
        origin = self._elsewhere(run)
        if origin is not None:
            return self._from(run, row, origin)
        made = self._known_to_ledger(run, row)
        return made or Action(Verb.CREATE, run.address, "pinned in the lock, not made yet", run, row, take=row.take)

    def _restored_or_lost(self, run: Run, row: LockRow, wrong: list[LockedOutput]) -> Action:
        found = self._found.get(run.address)
        if found is not None and found.take > row.take:
            return self._from(run, row, found)
        # The images may also stand where another run of the same request has them.
        for origin in (row, *self._by_key.get(row.key, ())):
            if all(self._available(output.blob, origin) for output in wrong):
                missing = sum(self._world.digest(output.path) is None for output in wrong)
                what = "missing" if missing == len(wrong) else "modified" if missing == 0 else "missing or modified"
                other = None if origin is row else origin
                return Action(Verb.RESTORE, run.address, f"the file is {what}", run, row, take=row.take, origin=other)
        return self._lost(run, row, row.take)

    def _kept(self, run: Run, row: LockRow) -> Action:
        """Decide for images that stand where they should: they stay, unless their provenance is told otherwise."""
        before, now = settings_of(row), self._wishes.provenance
        if before != now:
            reason = f"provenance: {_settings(before)} becomes {_settings(now)}"
            return Action(Verb.RESTORE, run.address, reason, run, row, take=row.take)
        if not all(self._world.told(row, output) for output in row.outputs):
            reason = "the facts beside it are missing or modified"
            return Action(Verb.RESTORE, run.address, reason, run, row, take=row.take)
        return Action(Verb.KEEP, run.address, "", run, row)

    def _lost(self, run: Run, row: LockRow | None, take: int, known: str = "locked") -> Action:
        """Decide for images that are `known` to have been made and that nothing here has the bytes of."""
        if self._wishes.regenerate_lost or self._wishes.free:
            why = "asking again is free" if self._wishes.free else "asked for with --regenerate-lost"
            why += ", unless the shared store has them" if self._wishes.shared else ""
            reason = f"{known}, but its bytes are nowhere; {why}"
            return Action(Verb.CREATE, run.address, reason, run, row, take=take)
        reason = f"{known}, but its bytes are nowhere; --regenerate-lost asks (and pays) again"
        return Action(Verb.LOST, run.address, reason, run, row, take=take)

    def _held(self, run: Run, row: LockRow | None, origin: LockRow) -> Action:
        state = origin.state or State.UNKNOWN
        if self._wishes.retry_unknown and state is State.UNKNOWN:
            reason = "unknown before; asked again with --retry-unknown"
            return Action(Verb.CREATE, run.address, reason, run, row, take=origin.take, origin=origin)
        held = held_row(origin, run.price)
        reason = state.why if held is None else held.why
        return Action(Verb.HELD, run.address, reason, run, row, take=origin.take, origin=origin, held=held)

    def _held_and_changed(self, run: Run, row: LockRow) -> Action:
        if run.address in self._wishes.replace:
            return Action(Verb.REPLACE, run.address, "asked for with --replace", run, row, changes(row, run))
        held = held_row(row, self._wishes.price_of(row), changed=True)
        reason = f"{'' if held is None else held.why}, and the request has changed since"
        return Action(Verb.HELD, run.address, reason, run, row, changes(row, run), take=row.take, origin=row, held=held)

    def _from(self, run: Run, row: LockRow | None, origin: LockRow) -> Action:
        """Decide for a run whose images are locked under another address."""
        there = self._wanted.get(origin.address)
        stays = origin.address if there is not None and there.key == origin.key else self._moved.get(origin.address)
        if origin.state not in (None, State.ORPHAN):
            first = self._moved.setdefault(origin.address, run.address) == run.address
            takes = (origin.address,) if first and there is None else ()
            return replace(self._held(run, row, origin), takes=takes)
        if stays is None:
            return self._moved_or_lost(run, row, origin, f"was {origin.address}")
        if all(self._available(output.blob, origin) for output in origin.outputs):
            own = "its image stands there already, and says itself which request it answers"
            reason = own if origin is self._found.get(run.address) else f"the same request as {stays}"
            return Action(Verb.RESTORE, run.address, reason, run, row, take=origin.take, origin=origin)
        return self._lost(run, origin, origin.take)

    def _moved_or_lost(self, run: Run, row: LockRow | None, origin: LockRow, reason: str) -> Action:
        if all(self._available(output.blob, origin) for output in origin.outputs):
            self._moved[origin.address] = run.address
            takes = () if origin.address in self._wanted else (origin.address,)
            return Action(Verb.MOVE, run.address, reason, run, row, take=origin.take, origin=origin, takes=takes)
        return self._lost(run, origin, origin.take)

    def _available(self, blob: str, row: LockRow) -> bool:
        """Whether an image's bytes can be had without a request: from the store, or from its file."""
        return self._world.stored(blob) or any(
            output.blob == blob and self._world.delivered(output) for output in row.outputs
        )

    def _known_to_ledger(self, run: Run, row: LockRow | None) -> Action | None:
        """Decide for a run that this project has asked for before, in this spec or another."""
        if not self._standings:
            return None
        digest = self._digest(run)
        standing = None if digest is None else self._standings.get(digest)
        match standing:
            case Made(attempt=attempt) if self._made(standing) is None:
                return self._lost(run, row, attempt.intent.take, "made before")
            case Made(attempt=attempt):
                here = attempt.intent.address
                reason = f"made already, for {here} of {attempt.intent.spec}"
                made = tuple((image.index, image.blob) for image in attempt.images)
                return Action(Verb.RESTORE, run.address, reason, run, row, take=attempt.intent.take, made=made)
            case HeldBack(attempt=attempt) | UnderWay(attempt=attempt) if attempt.state is not AttemptState.INTENDED:
                state = attempt.state.held or State.UNKNOWN
                if self._wishes.retry_unknown and state is State.UNKNOWN:
                    reason = "unknown before; asked again with --retry-unknown"
                    return replace(self._new(run, row), reason=reason, take=attempt.intent.take)
                return self._held_by(attempt, state, run, row)
        return None

    def _made(self, standing: Standing | None) -> Attempt | None:
        """Return the attempt that has made what is wanted, where its images are at hand."""
        attempt = standing.attempt if isinstance(standing, Made) else None
        return attempt if attempt and all(self._world.stored(image.blob) for image in attempt.images) else None

    def _held_by(self, attempt: Attempt, state: State, run: Run, row: LockRow | None) -> Action:
        """Hold a run for an attempt that the ledger has, and the lock not yet."""
        intent, came = attempt.intent, len(attempt.images)
        request = (intent.request_digest, intent.take)
        held = HeldRun(state=state, asked=run.images, came=came, price=run.price, request=request, locked=False)
        reason = "an apply has sent it and has not recorded what came of it" if attempt.state.open else held.why
        return Action(Verb.HELD, run.address, reason, run, row, take=intent.take, held=held)

    def _new(self, run: Run, row: LockRow | None) -> Action:
        return Action(Verb.CREATE, run.address, NEVER_MADE, run, row)

    def _chained(self, action: Action) -> Action:
        """Let what happens upstream show downstream."""
        for image in self._chains.get(action.address, ()):
            before = self._decided.get(image.address)
            if before is None:
                continue
            if before.verb in (Verb.HELD, Verb.LOST, Verb.BLOCKED) and action.asks:
                return replace(action, verb=Verb.BLOCKED, reason=f"needs {image.address}, which is {before.verb.value}")
            if another_input(image, before, action):
                reason, row = f"input changes: {image.source}", action.row or action.origin
                return replace(action, verb=Verb.REPLACE, reason=reason, row=row, take=1, made=())
        return action

    def _shared(self, action: Action) -> Action:
        """Let a request that an earlier action sends serve this one too."""
        if not action.asks or action.key is None:
            return action
        first = self._asked.setdefault((action.key, action.take), action.address)
        return action if first == action.address else replace(action, shares=first)

    def _elsewhere(self, run: Run) -> LockRow | None:
        """Return a row of another address with this run's key, preferring one that nothing else takes over."""
        found = self._by_key.get(run.key)
        if found is None:
            return None
        return min(found, key=lambda row: (self._taken(row.address), row.address != run.address, row.address))

    def _taken(self, address: str) -> bool:
        return address in self._moved or address in self._wanted

    @cached_property
    def _wanted(self) -> Mapping[str, Run]:
        return {run.address: run for run in self._runs}

    @cached_property
    def _paths(self) -> Paths:
        """Where images stand of rows that the spec no longer has."""
        rows = self._world.rows
        return Paths(rows[address] for address in rows.keys() - self._wanted.keys())

    @cached_property
    def _by_key(self) -> Mapping[str | None, list[LockRow]]:
        rows: dict[str | None, list[LockRow]] = {}
        for row in (*self._world.rows.values(), *self._found.values()):
            found = self._found.get(row.address)
            if found is not None and found is not row and found.key == row.key:
                continue
            if row.outputs or row.state not in (None, State.ORPHAN):
                rows.setdefault(row.key, []).append(row)
        return rows

    def _look_up(self, runs: Iterable[tuple[Run, LockRow | None, bool]]) -> None:
        """Ask the ledger for the requests of those runs that the lock does not settle."""

        def wanted() -> Mapping[str, int]:
            """Return request digests, with the take wanted."""
            digests = {}
            for run, row, stands in runs:
                if stands or (row is not None and row.key == run.key and (row.outputs or row.state is not None)):
                    continue
                digest = self._digest(run)
                if digest is not None and digest not in self._standings:
                    digests[digest] = row.take if row is not None and row.key == run.key else 1
            return digests

        self._standings.update(self._world.standings(wanted))

    def _digest(self, run: Run) -> str | None:
        if run.address not in self._chains:
            return run.key
        return request_digest(run, self._input_digest)

    def _input_digest(self, image: InputImage) -> str | None:
        match image:
            case FileImage() | UrlImage():
                return image.digest
            case OutputImage():
                decided = self._decided.get(image.address)
                if decided is not None and (found := decided.images.get(image.index)) is not None:
                    return found
                row = self._found.get(image.address) or self._world.rows.get(image.address)
                upstream = self._wanted.get(image.address)
                if row is None or upstream is None or row.key != upstream.key:
                    return None
                return next((output.blob for output in row.outputs if output.index == image.index), None)


def _settings(settings: ProvenanceSettings) -> str:
    return f"{settings.mode.value} without {', '.join(settings.omit)}" if settings.omit else settings.mode.value
