from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from specrun.canonical import digest
from specrun.cli.targets import target_of
from specrun.diagnostics import InvalidInputError, UsageError
from specrun.model.inputs import OutputImage, recipe_param
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.plan import Action, Plan, Verb
from specrun.model.request import request_digest
from specrun.model.run import Run
from specrun.plan.make import expand, make_plan
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project
from specrun.store.attempts import AttemptState, Ending, Intent, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.ledger import Ledger
from specrun.store.lockfile import lock_path, read_lock, write_lock
from specrun.store.manifest import ImageFacts
from specrun.store.shared_record import SharedRecord
from specrun.verify.wanted import check_wanted

# A provider that asks for money, unlike the sandbox; nothing is ever sent to it here.
HEAD = """
specrun: 1
provider: paid
provenance: none
"""
PROJECT = "providers: {paid: {base_url: 'https://images.example/v1'}}\n"
ANIMALS = """
jobs:
  animals:
    prompt: a {{ animal }}
    model: black-forest-labs/FLUX.1-dev
    matrix: {animal: [fox, owl]}
"""
FOX, OWL = "animals[animal=fox]", "animals[animal=owl]"
CHAIN = (
    ANIMALS
    + """
  edits:
    prompt: "{{ animal }} in snow"
    model: black-forest-labs/Flux-Kontext-Pro
    matrix: {animal: [fox, owl]}
    params: {image: "{{ output('animals', animal=animal) }}"}
"""
)
FOX_EDIT, OWL_EDIT = "edits[animal=fox]", "edits[animal=owl]"


@dataclass
class World:
    """A project with a spec, a lock, images on disk, a store and a ledger, each put there by hand."""

    root: Path
    rows: dict[str, LockRow] = field(default_factory=dict)

    @property
    def spec(self) -> Path:
        return self.root / "spec.yaml"

    def write(self, text: str) -> None:
        self.spec.write_text(HEAD + text, "utf-8")

    def runs(self) -> dict[str, Run]:
        lock = read_lock(lock_path(self.spec))
        found = expand(PlanRequest(spec=self.spec, environment={}), load_project(self.root), lock).runs
        return {run.address: run for run in found}

    def image(self, run: Run, index: int) -> bytes:
        return f"image {index} of {run.key}".encode()

    def lock(self, *addresses: str, made: bool = True, **changes: Any) -> None:
        """Pin runs as the spec has them now; with their images, unless they are not made."""
        for address, run in self.runs().items():
            if address in addresses or not addresses:
                row = self.row(run, made=made)
                self.rows[address] = replace(row, **changes)
        self.save()

    def save(self) -> None:
        write_lock(lock_path(self.spec), Lock(spec="spec.yaml", name="spec", rows=self.rows))

    def row(self, run: Run, *, made: bool) -> LockRow:
        outputs = tuple(
            LockedOutput(
                index=index, path=path, blob=digest(self.image(run, index)), file=digest(self.image(run, index))
            )
            for index, path in enumerate(run.outputs, start=1)
        )
        chained = any(isinstance(image, OutputImage) for image in run.inputs)
        return LockRow(
            address=run.address,
            key=run.key,
            request_digest=f"sha256:{'0' * 64}" if chained else run.key,
            seed=run.seed,
            provider=run.provider,
            model=run.model,
            params={name: recipe_param(value) for name, value in run.params.items()},
            defaults=run.defaults,
            revision=run.revision,
            sample=run.sample,
            schema_digest=run.schema_digest,
            inputs={image.source: None for image in run.inputs},
            outputs=outputs if made else (),
        )

    def deliver(self, *addresses: str) -> None:
        """Put the images of runs, as the spec has them now, where they belong."""
        for run in self.chosen(addresses):
            for index, path in enumerate(run.outputs, start=1):
                file = self.root / "outputs" / "spec" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self.image(run, index))

    def store(self, *addresses: str) -> None:
        for run in self.chosen(addresses):
            Blobs(self.root / ".specrun" / "store").put_all([self.image(run, n + 1) for n in range(run.images)])

    def chosen(self, addresses: Iterable[str]) -> list[Run]:
        wanted = tuple(addresses)
        return [run for run in self.runs().values() if run.address in wanted or not wanted]

    def ask(
        self, address: str, state: AttemptState, *, take: int = 1, spec: str = "spec.yaml", sent: str | None = None
    ) -> None:
        """Write into the ledger what came of asking for a run."""
        run = self.runs()[address]
        intent = Intent(
            hold="hold",
            spec=spec,
            address=address,
            provider=run.provider,
            model=run.model,
            request_digest=sent or str(run.key),
            take=take,
            images=run.images,
            price=run.price,
        )
        facts = ImageFacts(media_type="image/png", width=1, height=1, bytes=1)
        images = [StoredImage(index=1, blob=digest(self.image(run, 1)), facts=facts)]
        state_folder = self.root / ".specrun"
        state_folder.mkdir(exist_ok=True)
        with Ledger(state_folder / "ledger.db", state_folder / "holds", Blobs(state_folder / "store")) as ledger:
            ledger.record(intent, Ending(state=state), images if state is AttemptState.RECEIVED else [])

    def plan(self, **wishes: Any) -> Plan:
        return make_plan(PlanRequest(spec=self.spec, environment={}, **wishes), load_project(self.root))

    def actions(self, **wishes: Any) -> dict[str, Action]:
        return {action.address: action for action in self.plan(**wishes).actions}

    def said(self, **wishes: Any) -> dict[str, tuple[str, str]]:
        return {address: (action.verb.value, action.reason) for address, action in self.actions(**wishes).items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "specrun.yaml").write_text(PROJECT)
    found = World(tmp_path)
    found.write(ANIMALS)
    return found


def edited(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def test_what_was_never_made_is_created(world: World) -> None:
    assert world.said() == {FOX: ("create", "not made yet"), OWL: ("create", "not made yet")}


def test_what_is_only_pinned_is_created(world: World) -> None:
    world.lock(FOX, made=False)
    assert world.said()[FOX] == ("create", "pinned in the lock, not made yet")


def test_what_stands_on_disk_as_locked_is_kept_without_a_store(world: World) -> None:
    world.lock()
    world.deliver()
    assert world.said() == {FOX: ("keep", ""), OWL: ("keep", "")}
    assert world.plan().totals.requests == 0


def test_a_missing_file_is_restored_from_the_store(world: World) -> None:
    world.lock()
    world.store()
    world.deliver(FOX)
    assert world.said() == {FOX: ("keep", ""), OWL: ("restore", "the file is missing")}


def test_a_modified_file_is_restored_from_the_store(world: World) -> None:
    world.lock()
    world.store()
    world.deliver()
    (world.root / "outputs/spec/animals/fox.png").write_bytes(b"another picture")
    assert world.said() == {
        FOX: ("restore", "the file is modified; the file there was changed by hand, and is kept aside"),
        OWL: ("keep", ""),
    }


def test_what_is_nowhere_is_lost_and_asked_for_only_where_that_is_said(world: World) -> None:
    world.lock()
    lost = "locked, but its bytes are nowhere; --regenerate-lost asks (and pays) again"
    assert world.said() == {FOX: ("lost", lost), OWL: ("lost", lost)}
    assert world.plan().totals.requests == 0
    asked = "locked, but its bytes are nowhere; asked for with --regenerate-lost"
    assert world.said(regenerate_lost=True) == {FOX: ("create", asked), OWL: ("create", asked)}


def test_what_a_shared_store_is_known_to_have_is_not_paid_for_again(world: World) -> None:
    (world.root / "specrun.yaml").write_text(PROJECT + "store: {url: 's3://bucket/images'}\n")
    world.lock()
    SharedRecord(world.root / ".specrun", "s3://bucket/images").add(digest(world.image(world.runs()[FOX], 1)))
    plan = world.plan(regenerate_lost=True)
    asked = "locked, but its bytes are nowhere; asked for with --regenerate-lost, unless the shared store has them"
    assert [(action.verb.value, action.reason) for action in plan.actions] == [
        ("restore", "the file is missing"),
        ("create", asked),
    ]
    assert plan.totals.requests == 1


def test_what_is_nowhere_is_simply_asked_for_again_where_asking_is_free(world: World) -> None:
    world.spec.write_text(world.spec.read_text().replace("provider: paid", "provider: sandbox"))
    world.lock()
    assert world.said()[FOX] == ("create", "locked, but its bytes are nowhere; asking again is free")


def test_a_file_that_another_run_of_the_same_request_has_is_not_lost(world: World) -> None:
    world.write(ANIMALS + "  again: {prompt: a fox, model: black-forest-labs/FLUX.1-dev}\n")
    world.lock()
    world.deliver("again")
    assert world.said()[FOX] == ("restore", "the file is missing")
    assert world.actions()[FOX].origin == world.rows["again"]


CHANGES: Mapping[str, tuple[str, str, tuple[tuple[str, Any, Any], ...]]] = {
    "the prompt": (
        edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"),
        "prompt changes",
        (("prompt", "a fox", "one fox"),),
    ),
    "a param": (ANIMALS + "    params: {steps: 9}\n", "steps change", (("steps", 28, 9),)),
    "a seed": (ANIMALS + "    params: {seed: 9}\n", "seed changes", (("seed", 1306928208, 9),)),
    "the revision": (ANIMALS + "    revision: 2\n", "revision changes", (("revision", 1, 2),)),
    "several fields": (
        edited(ANIMALS, "a {{ animal }}", "one {{ animal }}") + "    params: {steps: 9, guidance_scale: 3}\n",
        "prompt, guidance_scale, steps change",
        (("prompt", "a fox", "one fox"), ("guidance_scale", 2.5, 3), ("steps", 28, 9)),
    ),
    "the model": (
        edited(ANIMALS, "FLUX.1-dev", "Flux-Kontext-Pro-text2image"),
        "model, aspect_ratio, size, steps, strength change",
        (
            ("model", "black-forest-labs/FLUX.1-dev", "black-forest-labs/Flux-Kontext-Pro-text2image"),
            ("aspect_ratio", None, "1:1"),
            ("size", "1024x1024", None),
            ("steps", 28, None),
            ("strength", 0.8, None),
        ),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_request_replaces_and_names_the_fields(what: str, world: World) -> None:
    world.lock()
    world.store()
    world.deliver()
    text, reason, changes = CHANGES[what]
    world.write(text)
    action = world.actions()[FOX]
    assert (action.verb, action.reason, action.take) == (Verb.REPLACE, reason, 1)
    assert tuple((change.field, change.old, change.new) for change in action.changes) == changes


def test_another_provider_replaces(world: World) -> None:
    world.lock()
    world.deliver()
    world.spec.write_text(world.spec.read_text().replace("provider: paid", "provider: ark"))
    assert world.said()[FOX] == ("replace", "provider changes")


RENAMES = {
    "a job": edited(ANIMALS, "  animals:", "  beasts:"),
    "an axis": ANIMALS.replace("animal:", "beast:").replace("{{ animal }}", "{{ beast }}"),
    "the output": ANIMALS + "    output: 'elsewhere/{{ animal }}'\n",
    "everything": edited(ANIMALS, "  animals:", "  beasts:").replace("animal:", "b:").replace("{{ animal }}", "{{ b }}")
    + "    output: 'elsewhere/{{ b }}'\n",
}


@pytest.mark.parametrize("what", RENAMES)
@pytest.mark.parametrize("kept", ["in the store", "on disk"])
def test_a_renaming_moves_and_asks_for_nothing(what: str, kept: str, world: World) -> None:
    world.lock()
    world.store() if kept == "in the store" else world.deliver()
    world.write(RENAMES[what])
    plan = world.plan()
    assert [action.verb for action in plan.actions] == [Verb.MOVE, Verb.MOVE]
    assert plan.totals.requests == 0
    was = "path was animals/fox.png" if what == "the output" else f"was {FOX}"
    assert plan.actions[0].reason == was


def test_a_reordered_matrix_keeps(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "[fox, owl]", "[owl, fox]"))
    assert set(world.said().values()) == {("keep", "")}


def test_two_jobs_that_swap_their_prompts_are_both_replaced_without_a_request(world: World) -> None:
    both = "jobs:\n  one: {prompt: a fox, model: m}\n  two: {prompt: an owl, model: m}\n".replace(
        "model: m", "model: black-forest-labs/FLUX.1-dev"
    )
    world.write(both)
    world.lock()
    world.deliver()
    world.write(both.replace("a fox", "?").replace("an owl", "a fox").replace("?", "an owl"))
    said = ("replace", "prompt changes; no request: made already")
    assert world.said() == {"one": said, "two": said}
    assert world.plan().totals.requests == 0
    assert [change.new for change in world.actions()["one"].changes] == ["an owl"]


def changed_back(world: World) -> str:
    """Leave images of one prompt locked and on disk, and those of another in ledger and store; return that one."""
    world.ask(FOX, AttemptState.RECEIVED)
    world.store()
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"))
    world.lock()
    world.deliver()
    return ANIMALS


def test_a_changed_request_whose_image_was_made_already_is_a_change_all_the_same(world: World) -> None:
    world.write(changed_back(world))
    action = world.actions()[FOX]
    assert (action.verb, action.reason) == (Verb.REPLACE, "prompt changes; no request: made already")
    assert [(change.field, change.old, change.new) for change in action.changes] == [("prompt", "one fox", "a fox")]
    assert (action.asks, action.requested, action.verb.pending) == (False, False, True)
    totals = world.plan(targets=(FOX,)).totals
    assert (totals.requests, totals.images, totals.cost, totals.actions[Verb.REPLACE]) == (0, 0, (), 1)


def test_protection_holds_also_where_the_other_image_was_made_already(world: World) -> None:
    world.write(changed_back(world) + "    overrides: [{match: {animal: fox}, protect: true}]\n")
    with pytest.raises(InvalidInputError) as caught:
        world.plan()
    [fault] = caught.value.diagnostics
    reason = "prompt changes; no request: made already"
    assert fault.detail == f"{FOX} is protected, and this plan would replace it: {reason}"


def test_a_run_that_comes_to_ask_for_what_another_has_is_replaced(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "a {{ animal }}", "a fox"))
    assert world.said() == {FOX: ("keep", ""), OWL: ("replace", "prompt changes; no request: made already")}


def test_a_changed_request_whose_other_image_is_nowhere_is_lost_with_what_changed(world: World) -> None:
    world.write(ANIMALS + "  other: {prompt: a lynx, model: black-forest-labs/FLUX.1-dev}\n")
    world.lock()
    world.deliver(FOX, OWL)
    world.write(ANIMALS + "    overrides: [{match: {animal: fox}, params: {steps: 9}}]\n")
    rows = dict(world.rows)
    run = world.runs()[FOX]
    world.rows["other"] = replace(world.row(run, made=True), address="other")
    world.save()
    action = world.actions()[FOX]
    assert (action.verb, action.row) == (Verb.LOST, rows[FOX])
    assert [change.field for change in action.changes] == ["steps"]
    asked = world.actions(regenerate_lost=True)[FOX]
    assert (asked.verb, asked.asks) == (Verb.REPLACE, True)
    assert asked.reason == "steps change; locked, but its bytes are nowhere; asked for with --regenerate-lost"
    world.spec.write_text(world.spec.read_text() + "    protect: true\n")
    assert world.actions()[FOX].verb is Verb.LOST
    with pytest.raises(InvalidInputError, match="protected"):
        world.plan(regenerate_lost=True)


@pytest.mark.parametrize("retry", [False, True])
def test_protection_holds_also_where_the_changed_request_is_held(world: World, retry: bool) -> None:
    world.ask(FOX, AttemptState.UNKNOWN)
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"))
    world.lock()
    world.deliver()
    world.write(ANIMALS)
    action = world.actions(retry_unknown=retry)[FOX]
    assert action.verb is (Verb.REPLACE if retry else Verb.HELD)
    assert [change.field for change in action.changes] == ["prompt"]
    world.write(ANIMALS + "    overrides: [{match: {animal: fox}, protect: true}]\n")
    with pytest.raises(InvalidInputError, match="protected"):
        world.plan(retry_unknown=retry)


def test_an_address_and_a_request_that_change_at_once_are_one_change_where_the_file_stays(world: World) -> None:
    here = ANIMALS + "    output: '{{ animal }}'\n"
    world.write(here)
    world.lock()
    world.deliver()
    world.write(edited(edited(here, "  animals:", "  beasts:"), "a {{ animal }}", "one {{ animal }}"))
    assert world.said() == {
        f"beasts[animal={animal}]": ("replace", f"was animals[animal={animal}]; prompt changes")
        for animal in ("fox", "owl")
    }
    assert world.actions()["beasts[animal=fox]"].takes == (FOX,)
    world.spec.write_text(world.spec.read_text() + "    protect: true\n")
    with pytest.raises(InvalidInputError, match="protected"):
        world.plan()


def test_images_that_a_pinned_lock_has_forgotten_are_not_replaced_in_silence(world: World) -> None:
    world.deliver()
    world.store()
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"))
    world.lock(made=False)
    there = "an image of another request stands there"
    assert world.said()[FOX] == ("replace", f"pinned in the lock, not made yet; {there}")
    world.ask(FOX, AttemptState.RECEIVED)
    world.store(FOX)
    action = world.actions()[FOX]
    assert (action.reason, action.asks) == (f"made already, for {FOX} of spec.yaml; {there}", False)
    assert action.verb is Verb.REPLACE
    world.deliver(FOX)
    assert world.said()[FOX] == ("restore", f"made already, for {FOX} of spec.yaml")
    world.spec.write_text(world.spec.read_text() + "    overrides: [{match: {animal: owl}, protect: true}]\n")
    with pytest.raises(InvalidInputError, match="protected"):
        world.plan()


def test_what_follows_from_an_image_that_was_made_already_is_known_and_so_without_a_request(world: World) -> None:
    world.write(CHAIN)
    world.ask(FOX, AttemptState.RECEIVED)
    world.store(FOX)
    blob = digest(world.image(world.runs()[FOX], 1))
    edit = world.runs()[FOX_EDIT]
    sent = str(request_digest(edit, lambda _: blob))
    world.ask(FOX_EDIT, AttemptState.RECEIVED, sent=sent)
    world.store(FOX_EDIT)
    world.write(edited(CHAIN, "a {{ animal }}", "one {{ animal }}"))
    world.lock()
    world.deliver()
    world.write(CHAIN)
    plan = world.plan(targets=(FOX_EDIT,))
    made = "no request: made already"
    assert [(action.verb.value, action.reason) for action in plan.actions] == [
        ("replace", f"prompt changes; {made}; needed by {FOX_EDIT}"),
        ("replace", f"input changes; {made}"),
    ]
    assert plan.totals.requests == 0


def test_what_was_made_from_another_image_than_the_one_that_comes_back_is_replaced(world: World) -> None:
    world.write(CHAIN)
    world.ask(FOX, AttemptState.RECEIVED)
    world.store()
    world.lock(FOX_EDIT, inputs={f"{FOX}#1": digest(b"another take")})
    world.deliver(FOX_EDIT)
    world.rows[FOX] = replace(world.row(world.runs()[FOX], made=True), key=f"sha256:{'5' * 64}")
    world.save()
    said = world.said()
    assert said[FOX][0] == "replace"
    assert said[FOX_EDIT] == ("replace", f"input changes: {FOX}#1")


def test_a_second_run_of_a_request_takes_the_image_that_is_there(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(ANIMALS + "  again: {prompt: a fox, model: black-forest-labs/FLUX.1-dev}\n")
    assert world.said() == {
        FOX: ("keep", ""),
        OWL: ("keep", ""),
        "again": ("restore", f"the same request as {FOX}"),
    }


def test_two_new_runs_of_a_request_that_an_old_one_had_ask_for_nothing(world: World) -> None:
    world.lock()
    world.deliver()
    renamed = edited(ANIMALS, "  animals:", "  beasts:")
    world.write(renamed + "  again: {prompt: a fox, model: black-forest-labs/FLUX.1-dev}\n")
    plan = world.plan()
    assert [action.verb for action in plan.actions] == [Verb.MOVE, Verb.MOVE, Verb.RESTORE]
    assert plan.totals.requests == 0


def test_a_pinned_run_takes_the_image_that_another_has(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "  animals:", "  beasts:"))
    world.lock(made=False)
    assert {address: verb for address, (verb, _) in world.said().items()} == {
        "beasts[animal=fox]": "move",
        "beasts[animal=owl]": "move",
    }


def test_equal_runs_ask_once(world: World) -> None:
    world.write(ANIMALS + "  again: {prompt: a fox, model: black-forest-labs/FLUX.1-dev}\n")
    actions = world.actions()
    assert (actions[FOX].shares, actions["again"].shares) == (None, FOX)
    assert world.plan().totals.requests == 2


def test_what_the_spec_no_longer_has_is_an_orphan(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "[fox, owl]", "[fox]"))
    reason = "no longer in the spec; kept until `specrun prune SPEC`"
    assert world.said() == {FOX: ("keep", ""), OWL: ("orphan", reason)}


def test_what_another_spec_made_is_restored(world: World) -> None:
    world.ask(FOX, AttemptState.RECEIVED, spec="specs/other.yaml")
    world.store(FOX)
    assert world.said()[FOX] == ("restore", f"made already, for {FOX} of specs/other.yaml")


def test_what_was_made_and_pruned_from_the_store_is_lost_as_an_apply_will_find(world: World) -> None:
    world.ask(FOX, AttemptState.RECEIVED)
    gone = "made before, but its bytes are nowhere"
    assert world.said()[FOX] == ("lost", f"{gone}; --regenerate-lost asks (and pays) again")
    assert world.plan().totals.requests == 1  # the owl's
    assert world.said(regenerate_lost=True)[FOX] == ("create", f"{gone}; asked for with --regenerate-lost")


def test_what_a_changed_request_had_and_the_store_has_no_more_is_lost_with_what_changed(world: World) -> None:
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "a {{ animal }}", "a red {{ animal }}"))
    world.ask(FOX, AttemptState.RECEIVED)
    plan = world.plan()
    fox, owl = plan.actions
    assert (fox.verb, [change.field for change in fox.changes]) == (Verb.LOST, ["prompt"])
    assert owl.verb is Verb.REPLACE
    told, _ = check_wanted(target_of(world.spec, load_project(world.root), None, plan), plan, ())
    assert told.detail == "the spec wants an image that is gone: made before, but its bytes are nowhere"
    again, _ = world.plan(regenerate_lost=True).actions
    assert again.verb is Verb.REPLACE
    assert again.requested


HELD = {
    State.UNKNOWN: "an earlier request may have been billed, and nobody knows what came of it",
    State.PARTIAL: "paid for, and none of its images arrived",
    State.UNUSABLE: "the images that came do not decode; their bytes are kept aside",
    State.REFUSED: "the server's moderation refused it",
}


@pytest.mark.parametrize("state", HELD)
def test_what_is_held_in_the_lock_is_not_asked_for(state: State, world: World) -> None:
    world.lock(FOX, made=False, state=state)
    assert world.said()[FOX] == ("held", HELD[state])


@pytest.mark.parametrize("state", HELD)
def test_what_is_held_in_the_ledger_is_not_asked_for(state: State, world: World) -> None:
    world.ask(FOX, AttemptState(state.value))
    assert world.said()[FOX] == ("held", HELD[state])


def test_only_the_unknown_is_asked_for_again_with_retry_unknown(world: World) -> None:
    asked = "unknown before; asked again with --retry-unknown"
    world.lock(FOX, made=False, state=State.UNKNOWN)
    world.lock(OWL, made=False, state=State.PARTIAL)
    assert world.said(retry_unknown=True) == {FOX: ("create", asked), OWL: ("held", HELD[State.PARTIAL])}


@pytest.mark.parametrize("state", HELD)
def test_what_is_held_stays_held_under_another_name(state: State, world: World) -> None:
    world.lock(made=False, state=state)
    world.write(edited(ANIMALS, "  animals:", "  beasts:"))
    assert world.said()["beasts[animal=fox]"] == ("held", HELD[state])
    assert world.plan().totals.requests == 0


@pytest.mark.parametrize("state", [State.UNKNOWN, State.PARTIAL, State.UNUSABLE])
def test_what_may_have_been_billed_stays_held_when_its_request_changes(state: State, world: World) -> None:
    world.lock(made=False, state=state)
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"))
    verb, reason = world.said()[FOX]
    assert verb == "held"
    assert reason == f"{HELD[state]}, and the request has changed since"
    assert world.said(replace=(FOX,))[FOX] == ("replace", "asked for with --replace")


def test_a_refused_request_is_asked_for_when_it_changes(world: World) -> None:
    world.lock(made=False, state=State.REFUSED)
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}"))
    assert world.said()[FOX][0] == "create"


def test_an_accepted_refusal_is_kept(world: World) -> None:
    world.lock(made=False, state=State.REFUSED, accepted=True)
    assert world.said() == {FOX: ("keep", ""), OWL: ("keep", "")}


def test_what_an_apply_has_sent_and_not_recorded_is_held(world: World) -> None:
    world.ask(FOX, AttemptState.SENT)
    assert world.said()[FOX] == ("held", "an apply has sent it and has not recorded what came of it")


@pytest.mark.parametrize("state", [None, *HELD])
def test_replace_asks_for_another_take(state: State | None, world: World) -> None:
    world.lock(take=2, made=state is None, state=state)
    world.store()
    world.deliver()
    actions = world.actions(replace=(FOX,))
    assert (actions[FOX].verb, actions[FOX].reason, actions[FOX].take) == (Verb.REPLACE, "asked for with --replace", 3)
    assert actions[OWL].verb is (Verb.KEEP if state is None else Verb.HELD)


def test_replace_asks_also_for_what_was_renamed(world: World) -> None:
    world.lock(take=2)
    world.deliver()
    world.write(edited(ANIMALS, "  animals:", "  beasts:"))
    actions = world.actions(replace=("beasts[animal=fox]",))
    asked = actions["beasts[animal=fox]"]
    assert (asked.verb.asks, asked.reason, asked.take) == (True, "asked for with --replace", 3)
    assert actions["beasts[animal=owl]"].verb is Verb.MOVE


def test_replace_asks_also_for_what_only_the_ledger_knows(world: World) -> None:
    world.ask(FOX, AttemptState.RECEIVED)
    world.store(FOX)
    asked = world.actions(replace=(FOX,))[FOX]
    assert (asked.verb.asks, asked.reason, asked.take) == (True, "asked for with --replace", 2)


def test_protected_images_are_not_replaced(world: World) -> None:
    world.write(ANIMALS + "    protect: true\n")
    world.lock()
    world.deliver()
    world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}") + "    protect: true\n")
    with pytest.raises(InvalidInputError) as caught:
        world.plan()
    assert [fault.detail for fault in caught.value.diagnostics] == [
        f"{address} is protected, and this plan would replace it: prompt changes" for address in (FOX, OWL)
    ]


def test_an_override_protects_its_own_cells_or_lifts_the_protection(world: World) -> None:
    protecting = "    overrides: [{match: {animal: owl}, protect: true}]\n"
    lifting = "    protect: true\n    overrides: [{match: {animal: fox}, protect: false}]\n"
    for guard in (protecting, lifting):
        world.write(ANIMALS + guard)
        world.lock()
        world.deliver()
        world.write(edited(ANIMALS, "a {{ animal }}", "one {{ animal }}") + guard)
        with pytest.raises(InvalidInputError) as caught:
            world.plan()
        assert [fault.detail.partition(" ")[0] for fault in caught.value.diagnostics] == [OWL]


def test_an_input_url_is_known_once_it_is_pinned(world: World) -> None:
    url = "https://example.com/lamp.png"
    world.write(
        f"jobs: {{edit: {{prompt: p, model: black-forest-labs/Flux-Kontext-Pro, params: {{image: '{url}'}}}}}}\n"
    )
    assert world.said() == {"edit": ("create", "known after lock: an input URL has not been fetched yet")}
    assert world.actions()["edit"].key is None
    world.lock(made=False, inputs={url: "sha256:" + "1" * 64})
    world.lock(inputs={url: "sha256:" + "1" * 64})
    world.deliver()
    assert world.said() == {"edit": ("keep", "")}


def test_dependants_are_replaced_with_what_they_are_made_from(world: World) -> None:
    world.write(CHAIN)
    world.lock()
    world.deliver()
    override = "    overrides: [{match: {animal: fox}, params: {steps: 9}}]\n\n"
    world.write(edited(CHAIN, "[fox, owl]}\n\n", "[fox, owl]}\n" + override))
    said = world.said()
    assert said[FOX] == ("replace", "steps change")
    assert said[FOX_EDIT] == ("replace", "input changes")
    assert (said[OWL], said[OWL_EDIT]) == (("keep", ""), ("keep", ""))


def test_dependants_of_another_take_are_replaced_too(world: World) -> None:
    world.write(CHAIN)
    world.lock()
    world.deliver()
    said = world.said(replace=(FOX,))
    assert said[FOX] == ("replace", "asked for with --replace")
    assert said[FOX_EDIT] == ("replace", f"input changes: {FOX}#1")
    assert said[OWL_EDIT] == ("keep", "")


@pytest.mark.parametrize("state", HELD)
def test_what_needs_a_held_run_is_blocked(state: State, world: World) -> None:
    world.write(CHAIN)
    world.lock(FOX, made=False, state=state)
    said = world.said()
    assert said[FOX][0] == "held"
    assert said[FOX_EDIT] == ("blocked", f"needs {FOX}, which is held")
    assert said[OWL_EDIT] == ("create", "not made yet")


def test_what_needs_a_lost_run_is_blocked_unless_it_is_there(world: World) -> None:
    world.write(CHAIN)
    world.lock(FOX, OWL, OWL_EDIT)
    world.deliver(OWL_EDIT)
    said = world.said()
    assert said[FOX][0] == "lost"
    assert said[FOX_EDIT] == ("blocked", f"needs {FOX}, which is lost")
    assert said[OWL_EDIT] == ("keep", "")


def test_what_needs_a_blocked_run_is_blocked(world: World) -> None:
    poster = """
  poster:
    prompt: p
    model: black-forest-labs/Flux-Kontext-Pro-multi
    params: {images: "{{ outputs('edits') }}"}
"""
    world.write(CHAIN + poster)
    world.lock(FOX, made=False, state=State.UNKNOWN)
    assert world.said()["poster"] == ("blocked", f"needs {FOX_EDIT}, which is blocked")


def test_targets_bring_along_what_they_need_and_say_so(world: World) -> None:
    world.write(CHAIN)
    assert world.said(targets=(FOX_EDIT,)) == {
        FOX: ("create", f"not made yet; needed by {FOX_EDIT}"),
        FOX_EDIT: ("create", "not made yet"),
    }


def test_targets_bring_along_what_follows_from_them(world: World) -> None:
    world.write(CHAIN)
    world.lock()
    world.deliver()
    said = world.said(targets=(FOX,), replace=(FOX,))
    assert said == {
        FOX: ("replace", "asked for with --replace"),
        FOX_EDIT: ("replace", f"input changes: {FOX}#1; follows from {FOX}"),
    }


@pytest.mark.parametrize("selector", ["animals", "animals[animal=*", "animal=fox", 'animal="fox"', "*=f?x]", FOX])
def test_a_selector_is_an_address_a_job_or_an_axis_with_its_value(selector: str, world: World) -> None:
    assert FOX in world.said(targets=(selector,))


def test_a_selector_that_means_nothing_names_what_is_near(world: World) -> None:
    with pytest.raises(UsageError) as caught:
        world.plan(targets=("animols", "animal=ox"))
    [fault] = caught.value.diagnostics
    assert (fault.detail, fault.hint) == ('--target "animols" matches no run', "near: animals")


def test_equal_runs_still_ask_once_where_the_first_is_no_target(world: World) -> None:
    again = "    matrix: {n: [1, 2]}\n    samples: 1\n"
    world.write(ANIMALS + f"  again:\n    prompt: a fox\n    model: black-forest-labs/FLUX.1-dev\n{again}")
    plan = world.plan(targets=("again",))
    assert plan.totals.requests == 1
    first, second = plan.actions
    assert (first.shares, second.shares) == (None, first.address)


def test_a_plan_writes_nothing(world: World) -> None:
    world.write(CHAIN)
    world.lock()
    before = {path: path.stat().st_mtime_ns for path in world.root.rglob("*")}
    world.plan()
    assert {path: path.stat().st_mtime_ns for path in world.root.rglob("*")} == before
