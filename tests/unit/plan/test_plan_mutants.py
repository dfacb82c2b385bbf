import re
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specrun.diagnostics import SpecrunError
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.report.diagnostics import as_text
from specrun.spec.project import load_project

CASES = Path(__file__).parents[2] / "cases"
SPECS = sorted(path.relative_to(CASES) for path in CASES.glob("valid/*/spec.yaml"))
# What slips of the pen and of the mind leave in a spec.
SLIPS = (
    '{{ {{ }} {% %} [ ] { } : - , null true 1 -1 1e5 1.5 " \' &a *a <<: # | > ~ é [] {} "" a: prompt model matrix item '
    "{{x}} {{vars}} {{1/0}} {{csv()}} {{outputs('shots')}} {{namespace()}} match params output images seed n jobs where"
).split()
# Words, marks and white space, each by itself.
WORD = re.compile(r"(\s+|[\[\]{}:,\"'])")


def mutant(spec: str, chance: Random) -> str:
    """Return a spec in which a few words are gone, doubled, exchanged or something else."""
    words = WORD.split(spec)
    for _ in range(chance.randint(1, 4)):
        here, there = chance.randrange(len(words)), chance.randrange(len(words))
        match chance.choice(["drop", "slip", "double", "exchange"]):
            case "drop":
                words[here] = ""
            case "slip":
                words[here] = chance.choice(SLIPS)
            case "double":
                words[here] += words[there]
            case _:
                words[here], words[there] = words[there], words[here]
    return "".join(words)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of all valid cases, to be spoiled."""
    copies = tmp_path_factory.mktemp("mutants")
    shutil.copytree(CASES / "valid", copies / "valid")
    return copies


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SPECS), st.randoms(use_true_random=False))
def test_no_spec_fails_otherwise_than_in_words_with_places_in_it(projects: Path, spec: Path, chance: Random) -> None:
    text = mutant((CASES / spec).read_text("utf-8"), chance)
    path = projects / spec
    path.write_text(text, "utf-8")
    try:
        make_plan(PlanRequest(spec=path, environment={}), load_project(path.parent))
    except SpecrunError as error:
        faults = error.diagnostics
    else:
        return
    assert as_text(faults)
    assert all(fault.summary and " at 0x" not in fault.detail for fault in faults)
    places = [fault.span for fault in faults if fault.span is not None and fault.span.source.text == text]
    assert all(place.line <= text.count("\n") + 2 for place in places)
