import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from drawn_specs import FLUX, SPECS, Drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from specrun.cli.boundary import guarded
from specrun.cli.main import cli
from specrun.model.plan import Verb
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project

# Each example makes some images.
laws = settings(max_examples=6, deadline=None)
swaps = settings(max_examples=6, deadline=None)
EDIT = "black-forest-labs/Flux-Kontext-Pro"


class Checkout:
    """A project whose specs are applied on the sandbox."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "specrun.yaml").write_text("provider: sandbox\n")

    def write(self, name: str, jobs: Mapping[str, Any]) -> None:
        (self.root / name).write_text(json.dumps({"specrun": 1, "jobs": jobs}, ensure_ascii=False), "utf-8")

    def run(self, *arguments: str) -> int:
        return guarded(cli, arguments)

    def verbs(self, name: str) -> dict[str, Verb]:
        plan = make_plan(PlanRequest(spec=self.root / name, environment={}), load_project(self.root))
        return {action.address: action.verb for action in plan.actions}

    def files(self) -> dict[Path, tuple[int, bytes]]:
        found = (path for path in self.root.rglob("*") if path.is_file() and ".specrun" not in path.parts)
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


@contextmanager
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield Checkout(Path(folder))


def small(jobs: Mapping[str, Drawn], prompt: str = "") -> dict[str, Any]:
    """Return jobs whose pictures are soon made."""
    return {
        name: job.spec() | {"prompt": prompt + job.spec()["prompt"], "params": {**job.params, **size(job)}}
        for name, job in jobs.items()
    }


def size(job: Drawn) -> dict[str, str]:
    return {"size": "256x256"} if "FLUX" in job.model else {"aspect_ratio": "1:1"}


@laws
@given(SPECS)
def test_after_an_apply_there_is_nothing_to_do_and_a_second_touches_nothing(jobs: dict[str, Drawn]) -> None:
    with checkout() as project:
        project.write("spec.yaml", small(jobs))
        assert project.run("apply", "--yes", "spec.yaml") == 0
        assert set(project.verbs("spec.yaml").values()) <= {Verb.KEEP}
        before = project.files()
        assert project.run("apply", "--yes", "spec.yaml") == 0
        assert project.files() == before


@laws
@given(SPECS, SPECS)
def test_another_spec_changes_a_plan_only_from_create_to_restore(one: dict[str, Drawn], two: dict[str, Drawn]) -> None:
    with checkout() as project:
        project.write("one.yaml", small(one))
        project.write("two.yaml", small(one | two))
        before = project.verbs("one.yaml")
        assert project.run("apply", "--yes", "two.yaml") == 0
        after = project.verbs("one.yaml")
        assert after.keys() == before.keys()
        assert all(
            (before[run], after[run]) in ((Verb.CREATE, Verb.CREATE), (Verb.CREATE, Verb.RESTORE)) for run in before
        )
        assert project.run("apply", "--yes", "one.yaml") == 0
        kept = project.verbs("one.yaml")
        assert project.run("apply", "--yes", "two.yaml") == 0
        assert project.verbs("one.yaml") == kept


@laws
@given(SPECS)
def test_a_saved_plan_makes_exactly_what_it_says(jobs: dict[str, Drawn]) -> None:
    with checkout() as project:
        project.write("spec.yaml", small(jobs))
        assert project.run("plan", "-o", "plan.json", "spec.yaml") == 0
        saved = json.loads((project.root / "plan.json").read_text("utf-8"))
        assert project.run("plan", "-o", "again.json", "spec.yaml") == 0
        assert (project.root / "again.json").read_bytes() == (project.root / "plan.json").read_bytes()
        assert project.run("apply", "plan.json") == 0
        lock = json.loads((project.root / "spec.lock.json").read_text("utf-8"))
        assert {row["address"]: row["key"] for row in lock["runs"]} == {
            action["address"]: action["key"] for action in saved["actions"]
        }
        assert set(project.verbs("spec.yaml").values()) <= {Verb.KEEP}
        changed = small(jobs, prompt="another ")
        project.write("spec.yaml", changed)
        assert project.run("apply", "plan.json") == 1


@laws
@given(SPECS)
def test_an_edited_prompt_replaces_its_own_runs_and_no_others(jobs: dict[str, Drawn]) -> None:
    with checkout() as project:
        project.write("spec.yaml", small(jobs))
        assert project.run("apply", "--yes", "spec.yaml") == 0
        first = next(iter(jobs))
        project.write("spec.yaml", small(jobs) | small({first: jobs[first]}, prompt="another "))
        for address, verb in project.verbs("spec.yaml").items():
            edited = address.partition("[")[0] == first
            assert verb is (Verb.REPLACE if edited else Verb.KEEP), address


EDITS = st.fixed_dictionaries(
    {
        # Few of each, so that what was is often asked for again, here or in another job.
        "prompts": st.lists(st.sampled_from(["a fox", "an owl", "a lynx"]), min_size=1, max_size=3),
        "names": st.permutations(["one", "two", "three"]),
        "edited": st.booleans(),
    }
)
STEPS = st.lists(EDITS | st.sampled_from(["lock", "restart"]), min_size=2, max_size=6)


class Sequence:
    """A project through edits, locks and applies; a job `name-again` is made from each image, as far as one wants."""

    def __init__(self, project: Checkout) -> None:
        self._project = project

    def jobs(self, edit: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        jobs: dict[str, Any] = {}
        for name, prompt in zip(edit["names"], edit["prompts"], strict=False):
            jobs[name] = {"prompt": prompt, "model": FLUX, "params": {"size": "256x256"}, **more}
        first = edit["names"][0]
        if edit["edited"]:
            source = f"{{{{ output('{first}') }}}}"
            jobs["edited"] = {"prompt": "in snow", "model": EDIT, "params": {"image": source}, **more}
        return jobs

    def do(self, step: Any) -> None:
        """Take a step; an edit is not applied yet."""
        match step:
            case "lock":
                self._project.run("lock", "spec.yaml")
            case "restart":
                # Another machine: lock, images and store, and no memory of requests.
                (self._project.root / ".specrun" / "ledger.db").unlink(missing_ok=True)
            case edit:
                self._project.write("spec.yaml", self.jobs(edit))

    def images(self) -> dict[str, list[str]]:
        """Return, by address, what the lock says that the pictures are."""
        lock = self._project.root / "spec.lock.json"
        rows = json.loads(lock.read_text("utf-8"))["runs"] if lock.exists() else []
        return {row["address"]: [output["blob"] for output in row["outputs"]] for row in rows if row["outputs"]}


@swaps
@given(EDITS, STEPS)
def test_no_picture_changes_without_a_plan_that_says_so(first: dict[str, Any], steps: list[Any]) -> None:
    with checkout() as project:
        sequence = Sequence(project)
        project.write("spec.yaml", sequence.jobs(first))
        assert project.run("apply", "--yes", "spec.yaml") == 0
        for step in steps:
            sequence.do(step)
            before, said = sequence.images(), project.verbs("spec.yaml")
            assert project.run("apply", "--yes", "spec.yaml") == 0
            after = sequence.images()
            changed = {address for address in before.keys() & after.keys() if before[address] != after[address]}
            silent = (Verb.KEEP, Verb.MOVE, Verb.RESTORE, Verb.ORPHAN)
            assert not [address for address in changed if said[address] in silent]
            assert set(project.verbs("spec.yaml").values()) <= {Verb.KEEP, Verb.ORPHAN}


@swaps
@given(EDITS, EDITS, STEPS)
def test_no_apply_changes_a_protected_picture(one: dict[str, Any], two: dict[str, Any], steps: list[Any]) -> None:
    with checkout() as project:
        sequence = Sequence(project)
        for edit in (one, two):
            project.write("spec.yaml", sequence.jobs(edit))
            assert project.run("apply", "--yes", "spec.yaml") == 0
        for step in steps:
            sequence.do(step)
            spec = json.loads((project.root / "spec.yaml").read_text("utf-8"))
            project.write("spec.yaml", {name: job | {"protect": True} for name, job in spec["jobs"].items()})
            before = {path: data for path, (_, data) in project.files().items() if path.suffix == ".png"}
            planned = project.run("plan", "spec.yaml")
            assert project.run("apply", "--yes", "spec.yaml") == planned
            after = {path: data for path, (_, data) in project.files().items() if path.suffix == ".png"}
            assert {path: after[path] for path in before.keys() & after.keys()} == {
                path: before[path] for path in before.keys() & after.keys()
            }
