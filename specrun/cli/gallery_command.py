"""The command that makes the gallery of a spec."""

import os
import shlex
from pathlib import Path


def gallery_command(spec: Path, variant: str | None) -> str:
    """Return the command as a person would type it here."""
    named = [] if variant is None else ["--name", variant]
    return f"specrun gallery {shlex.join([*named, os.path.relpath(spec)])}"
