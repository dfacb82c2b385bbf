"""What a shared store is called where a project keeps its state."""

from pathlib import Path

from specrun.canonical import digest


def record_path(state: Path, url: str) -> Path:
    """Return the file that says which images a store is known to have; `state` is the project's `.specrun`."""
    return state / "shared" / f"{digest(url)[7:23]}.txt"
