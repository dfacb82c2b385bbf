"""How the specs of a command went, each on its own, and the worst exit code of them all."""

from pathlib import Path

from specrun.cli.boundary import DONE
from specrun.cli.console import complain
from specrun.diagnostics import SpecrunError


class Outcomes:
    """Gathers what became of each spec; one that fails says so and does not keep the others."""

    def __init__(self) -> None:
        self.code = DONE
        self.left_out: list[Path] = []

    def refused(self, spec: Path, step: str, error: SpecrunError) -> None:  # noqa: ARG002 - a report names both
        """Note, and say, why a spec got no further than `step`."""
        self.left_out.append(spec)
        complain(*error.diagnostics)
        self.code = max(self.code, error.exit_code)
