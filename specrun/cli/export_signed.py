"""`specrun export --format c2pa`: copies of the images, signed with the user's own certificate."""

from pathlib import Path

import msgspec

from specrun.atomic import write_atomic
from specrun.canonical import digest
from specrun.cli.console import say
from specrun.cli.own_files import SIGNED, check_own
from specrun.diagnostics import Diagnostic, InvalidInputError, SpecrunError, UsageError
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.provenance.credentials import CredentialsError, Signature, sign
from specrun.provenance.facts import Provenance, facts_of
from specrun.report import inert
from specrun.report.words import count
from specrun.verify.target import Target


class SigningError(SpecrunError):
    """Images that could not be signed."""


class SigningFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about the signer."""

    certificate: Path
    private_key: Path
    algorithm: str
    timestamps: str | None

    def signature(self) -> Signature:
        """Read certificate and key."""
        return Signature(
            certificates=self.certificate.read_bytes(),
            private_key=self.private_key.read_bytes(),
            algorithm=self.algorithm,
            timestamps=self.timestamps,
        )


def sign_all(target: Target, lock: Lock, folder: Path, files: SigningFiles) -> None:
    """Write a signed copy of each delivered image below `folder`, at its path; raises `SigningError`."""
    if folder.resolve() == target.outputs.resolve():
        detail = f"{folder} holds the images as they were delivered, which stay as they are"
        raise UsageError(Diagnostic(summary="copies over their originals", detail=detail, hint="name another folder"))
    signature = files.signature()
    signed = 0
    for row in lock.rows.values():
        for output in () if row.state is State.ORPHAN else row.outputs:
            path = target.outputs / output.path
            data = target.files.read(output.path) if target.files.holds(output.path) else b""
            if digest(data) != output.file:
                raise InvalidInputError(_damaged(target, path))
            check_own(folder / output.path, SIGNED)
            try:
                write_atomic(folder / output.path, sign(data, _facts(row, output), signature))
            except CredentialsError as error:
                raise SigningError(_unsigned(target, path, error)) from error
            signed += 1
    say(inert.line(f"{folder.as_posix()}: {count(signed, 'signed image')}"))


def _facts(row: LockRow, output: LockedOutput) -> Provenance:
    """Return the facts that were delivered; where the spec wants none told, only which bytes these are."""
    return Provenance(version=1, blob=output.blob) if row.provenance is None else facts_of(row, output, row.provenance)


def _damaged(target: Target, path: Path) -> Diagnostic:
    hint = f"{target.command('apply')} restores it"
    return Diagnostic(summary="not as delivered", detail=f"{target.shown(path)} is missing or modified", hint=hint)


def _unsigned(target: Target, path: Path, error: CredentialsError) -> Diagnostic:
    return Diagnostic(
        summary="not signed",
        detail=f"{target.shown(path)}: {error}",
        hint="the certificate chain is PEM, the signer's own first; the key is its private key, PKCS#8 in PEM",
    )
