"""Where a project reads and writes: in its own folder, also where links stand, unless its settings say otherwise."""

from collections.abc import Iterator
from pathlib import Path

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.project import Project
from specrun.spec.root import PROJECT_FILE


def check_places(project: Project) -> None:
    """Raise `InvalidInputError` where a link takes outputs, or what the project remembers, out of the project."""
    _check(project, (project.outputs, project.state, *_entries(project.state)))


def outputs_of(project: Project, name: str) -> Path:
    """Return the folder of the images of a spec by its name; raises `InvalidInputError` as `check_places` does."""
    folder = project.outputs / name
    _check(project, (folder,))
    return folder


def check_links(project: Project, *places: Path) -> None:
    """Raise `InvalidInputError` where one of these is a link out of the project, unless its settings allow that."""
    _check(project, places)


def _entries(state: Path) -> Iterator[Path]:
    # Store and ledger, too, are written to and removed from.
    if state.is_dir():
        yield from sorted(state.iterdir())


def _check(project: Project, places: tuple[Path, ...]) -> None:
    if project.allow_outside:
        return
    root = project.root.resolve()
    faults = [_leads_out(path, project.root) for path in places if path.is_symlink() and not _inside(path, root)]
    if faults:
        raise InvalidInputError(*faults)


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        # A circle leads nowhere; what comes to use it says so.
        return True


def _leads_out(path: Path, root: Path) -> Diagnostic:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return Diagnostic(
        summary="link out of the project",
        detail=f"{shown} is a symbolic link to {path.resolve()}, outside the project's folder {root}",
        hint=f"remove the link; or, where you made it and mean it, write `allow_outside: true` into {PROJECT_FILE}",
    )
