"""How a spec says where the facts about its images go."""

from pathlib import Path

import pytest

from specrun.diagnostics import InvalidInputError
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project

SPEC = """\
specrun: 1
provider: sandbox
{line}
jobs: {{a: {{model: black-forest-labs/FLUX.1-dev, prompt: a cat}}}}
"""


def settings(folder: Path, line: str) -> ProvenanceSettings:
    path = folder / "a.yaml"
    path.write_text(SPEC.format(line=line))
    return make_plan(PlanRequest(spec=path), load_project(folder)).provenance


@pytest.mark.parametrize(
    ("line", "mode", "omit"),
    [
        ("", ProvenanceMode.EMBED, ()),
        ("provenance: embed", ProvenanceMode.EMBED, ()),
        ("provenance: sidecar", ProvenanceMode.SIDECAR, ()),
        ("provenance: none", ProvenanceMode.NONE, ()),
        ("provenance: {mode: sidecar}", ProvenanceMode.SIDECAR, ()),
        ("provenance: {omit: [prompt, key]}", ProvenanceMode.EMBED, ("key", "prompt")),
        ("provenance: {mode: none, omit: [prompt]}", ProvenanceMode.NONE, ()),
    ],
)
def test_a_mode_alone_or_with_what_to_withhold(
    tmp_path: Path, line: str, mode: ProvenanceMode, omit: tuple[str, ...]
) -> None:
    assert settings(tmp_path, line) == ProvenanceSettings(mode=mode, omit=omit)


@pytest.mark.parametrize(
    ("line", "summary", "hint"),
    [
        ("provenance: embedd", "unknown value", 'did you mean "embed"?'),
        ("provenance: {mode: nowhere}", "unknown value", "known: embed, sidecar, none"),
        ("provenance: {omit: [promt]}", "nothing to withhold", 'did you mean "prompt"?'),
        ("provenance: {omit: prompt}", "wrong type", "write it as [a, b]"),
        ("provenance: {hide: [prompt]}", "unknown key", "known here: mode, omit"),
        ("provenance: 3", "wrong type", "quote it"),
    ],
)
def test_a_slip_is_shown_at_its_place(tmp_path: Path, line: str, summary: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        settings(tmp_path, line)
    (fault,) = caught.value.diagnostics
    assert (fault.summary, fault.hint) == (summary, hint)
    assert fault.span is not None
    assert fault.span.line == 3
