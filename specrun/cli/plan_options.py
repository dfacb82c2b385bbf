"""What the command line asks of `plan`."""

import os
from pathlib import Path
from typing import Literal, TypeAlias

from specrun.cli.options import WishOptions

Format: TypeAlias = Literal["text", "json", "markdown", "dot", "mermaid"]


class PlanOptions(WishOptions, frozen=True, kw_only=True):
    """What the command line asks of `plan`."""

    output: Path | None
    format: Format
    full: bool
    html: Path | None
    thumbnails: str | None
    detailed_exitcode: bool

    @property
    def plain(self) -> bool:
        """Whether it is enough to say how many runs are kept."""
        wanted = (self.output, self.html, self.thumbnails, self.full, os.environ.get("GITHUB_STEP_SUMMARY"))
        return self.format == "text" and not any(wanted)
