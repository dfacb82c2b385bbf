"""A file as it stood in a git revision."""

import subprocess
from pathlib import Path

import msgspec

from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A commit: `name` is what it was called, `id` its abbreviated hash, `folder` any folder of its repository."""

    name: str
    id: str
    folder: Path

    def __str__(self) -> str:
        """As reports name it."""
        return self.name if self.name.startswith(self.id) else f"{self.name} ({self.id})"

    def read_named(self, name: str) -> bytes | None:
        """Return the content of a file as git names it: from the repository's root, or with ./ from `folder`."""
        told = _git(self.folder, "cat-file", "blob", f"{self.id}:{name}")
        return told.stdout if told.returncode == 0 else None

    def read(self, path: Path) -> bytes | None:
        """Return a file's content in this commit, None where it has no such file; `path` is one on disk."""
        told = _git(path.parent, "cat-file", "blob", f"{self.id}:./{path.name}")
        return told.stdout if told.returncode == 0 else None


def find_revision(name: str, folder: Path) -> Revision:
    """Return the commit that git knows by a name; raises `UsageError` for none, `InvalidInputError` without git."""
    told = _git(folder, "rev-parse", "--short=10", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if told.returncode == 0:
        return Revision(name=name, id=told.stdout.decode().strip(), folder=folder)
    if _git(folder, "rev-parse", "--git-dir").returncode:
        reason = told.stderr.decode(errors="replace").strip() or f"{folder.resolve()} is in no git repository"
        raise InvalidInputError(
            Diagnostic(summary="no git history", detail=reason, hint="name the file of a lock instead: OLD.lock.json")
        )
    raise UsageError(
        Diagnostic(
            summary="unknown revision",
            detail=f'git knows no commit "{name}", and there is no such file',
            hint="a commit, branch or tag; in CI, fetch enough history (fetch-depth: 0)",
        )
    )


def _git(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)  # noqa: S603, S607 - a list, no shell
    except FileNotFoundError as error:
        raise InvalidInputError(
            Diagnostic(
                summary="git is not installed",
                detail="the lock of an earlier revision comes from git",
                hint="install git, or name the file of a lock instead: OLD.lock.json",
            )
        ) from error
