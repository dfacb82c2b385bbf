"""Whose a lock and a folder of outputs are: a spec's, by its path from the project root, also once it was renamed."""

import json
import os
import re
from pathlib import Path

from specrun.diagnostics import Diagnostic, InvalidInputError

# The head of a manifest, in which its spec stands, is far smaller.
HEAD = 1 << 16
_SPEC = re.compile(rb'^"spec": ("(?:[^"\\\n]|\\.)*"),$', re.MULTILINE)


def belongs(owner: str, spec: str, root: Path | None) -> bool:
    """Say whether what was written for `owner` is the spec's: it is called so, or nothing at `root` is any more."""
    return owner == spec or (root is not None and not os.path.lexists(root / owner))


def owner_in(head: bytes) -> str | None:
    """Return the spec that a manifest names, from its first bytes; None where it does not stand there as written."""
    found = _SPEC.search(head[:HEAD])
    return None if found is None else str(json.loads(found[1]))


def check_root(owner: str, name: str, spec: Path, root: Path) -> None:
    """Raise `InvalidInputError` where a lock was written when the project had another root, and its images are there.

    They are not looked for there: a plan would find none of them, and ask for all anew.
    """
    real = spec.resolve()
    former = next((folder for folder in real.parents if folder != root and folder / owner == real), None)
    if former is None:
        return
    left = [former / ".specrun", former / "outputs"]
    left = [folder for folder in left if (folder / name).is_dir() or (folder / "ledger.db").is_file()]
    if left:
        shown = " ".join(os.path.relpath(folder) for folder in left)
        moved = f"bring them along: `mv {shown} {os.path.relpath(root)}`"
        inner = former.is_relative_to(root) and not (root / "specrun.yaml").exists()
        stay = (
            f"keep {os.path.relpath(former)} the project's folder: `touch {os.path.relpath(former / 'specrun.yaml')}`"
        )
        raise InvalidInputError(
            Diagnostic(
                summary="the project's folder has changed",
                detail=f"{former} when {spec} was applied last, {root} now; what was made stands in {shown}",
                hint=f"{stay}; or {moved}" if inner else moved,
            )
        )
