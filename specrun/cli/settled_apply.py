"""An apply of specs with nothing left to do, in the very words of one that looked at each run."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from specrun.apply.events import Finished
from specrun.cli.console import ink, note, say, write
from specrun.cli.gallery_command import gallery_command
from specrun.cli.watching import has_bar
from specrun.report import inert
from specrun.report.event_text import summary
from specrun.report.settled_text import as_text
from specrun.store.settled import Settled


def tell_settled(settled: Sequence[tuple[Path, Settled]], variant: str | None) -> None:
    """Say that all images are kept, and where they are."""
    write(f"{line}\n" for line in as_text(settled, ink(sys.stdout)))
    for spec, found in settled:
        if not has_bar():
            note(inert.line(f"{found.name}: no request to send"))
        finished = Finished(
            requests=0,
            made=0,
            delivered=0,
            kept=sum(found.kept.values()),
            failed=(),
            held=(),
            blocked=(),
            not_started=0,
            spent=(),
            stake=(),
            unpriced=0,
            interrupted=False,
        )
        say("\n".join(("", *summary(finished, os.path.relpath(found.outputs)))))
        say(inert.line(f"Gallery: {gallery_command(spec, variant)}"))
