"""`specrun export SPEC`: the manifest for other worlds."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from specrun.atomic import write_atomic
from specrun.cli.console import write
from specrun.cli.examples import examples
from specrun.cli.own_files import EXPORT, check_own
from specrun.cli.targets import target_of
from specrun.diagnostics import Diagnostic, InvalidInputError, UsageError
from specrun.model.lock import Lock
from specrun.report.export_csv import as_csv
from specrun.report.export_intoto import as_intoto
from specrun.report.export_jsonl import as_jsonl
from specrun.spec.project import load_project
from specrun.store.lockfile import read_lock
from specrun.store.manifest import ManifestOutput, read_manifest
from specrun.verify.target import Target

EPILOG = examples(
    ("specrun export specs/quickstart.yaml > images.csv", "a table for a spreadsheet"),
    ("specrun export --format jsonl specs/quickstart.yaml", "a JSON object an image"),
    ("specrun export --format parquet -o images.parquet specs/quickstart.yaml", "for data frames"),
    ("specrun export --format in-toto specs/quickstart.yaml", "what was made from what, to be signed"),
    ("specrun export --format c2pa -o signed --certificate chain.pem --private-key key.pem SPEC", "signed copies"),
)

Format: TypeAlias = Literal["csv", "jsonl", "parquet", "in-toto", "c2pa"]
# What c2pa-python knows, named here so that --help need not import it.
_ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")


_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `export`."""

    spec: Path
    name: str | None
    format: Format
    output: Path | None
    raw: bool
    certificate: Path | None
    private_key: Path | None
    algorithm: str
    timestamps: str | None


@click.command("export", epilog=EPILOG)
@click.argument("spec", metavar="SPEC", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="Export a variant.")
@click.option("--format", type=click.Choice(get_args(Format)), default="csv", show_default=True)
@click.option("-o", "--output", metavar="FILE|DIR", type=click.Path(path_type=Path), help="Write it there.")
@click.option("--raw", is_flag=True, help="For csv: leave formulas in texts as they are, for programs.")
@click.option("--certificate", metavar="FILE", type=_PEM, help="For c2pa: your certificates in PEM, your own first.")
@click.option("--private-key", metavar="FILE", type=_PEM, help="For c2pa: the private key of your certificate, in PEM.")
@click.option("--algorithm", type=click.Choice(_ALGORITHMS), default="es256", show_default=True, help="For c2pa.")
@click.option("--timestamps", metavar="URL", help="For c2pa: ask this authority for the time; none is asked without.")
def command(**given: Any) -> None:
    """Write what was made, in a format that other programs read.

    What a spreadsheet would take for a formula stands behind an apostrophe in CSV, unless it is --raw; the other
    formats hold it as it is. With c2pa, copies of the images are signed as Content Credentials with your certificate;
    the images in the outputs folder stay as they are. Parquet needs `pip install 'specrun[parquet]'`, c2pa
    `'specrun[c2pa]'`.
    """
    options = ExportOptions(**given)
    if options.format == "c2pa":
        _sign(options)
        return
    if options.output is not None:
        check_own(options.output, EXPORT)
    if options.format == "parquet":
        _put_bytes(_parquet(options), options.output)
        return
    lines = _lines(options)
    if options.output is None:
        write(lines)
    else:
        write_atomic(options.output, (line.encode() for line in lines))


def _lines(options: ExportOptions) -> Iterable[str]:
    match options.format:
        case "in-toto":
            return as_intoto(_lock(options))
        case "jsonl":
            return as_jsonl(_outputs(options))
        case _:
            return as_csv(_outputs(options), raw=options.raw)


def _lock(options: ExportOptions) -> Lock:
    target = _target(options)
    lock = read_lock(target.lock)
    if lock is None:
        raise InvalidInputError(_nothing(options, f"{target.shown(target.lock)} is not there"))
    return lock


def _outputs(options: ExportOptions) -> tuple[ManifestOutput, ...]:
    target = _target(options)
    found = read_manifest(target.outputs)
    if found is None:
        raise InvalidInputError(_nothing(options, f"{target.shown(target.outputs)} has no manifest"))
    return found[1]


def _parquet(options: ExportOptions) -> bytes:
    outputs = _outputs(options)
    try:
        from specrun.report.export_parquet import as_parquet  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(_not_installed("Parquet is written by pyarrow", "parquet")) from error
    return as_parquet(outputs)


def _sign(options: ExportOptions) -> None:
    if options.output is None or options.certificate is None or options.private_key is None:
        detail = "signed copies need a folder, a certificate and its key"
        hint = "add -o DIR --certificate FILE --private-key FILE"
        raise UsageError(Diagnostic(summary="nobody to sign", detail=detail, hint=hint))
    try:
        from specrun.cli.export_signed import SigningFiles, sign_all  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(_not_installed("Content Credentials are written by c2pa-python", "c2pa")) from error
    files = SigningFiles(
        certificate=options.certificate,
        private_key=options.private_key,
        algorithm=options.algorithm,
        timestamps=options.timestamps,
    )
    sign_all(_target(options), _lock(options), options.output, files)


def _not_installed(what: str, extra: str) -> Diagnostic:
    hint = f"pip install 'specrun[{extra}]'"
    return Diagnostic(summary="extra not installed", detail=f"{what}, which is not installed", hint=hint)


def _put_bytes(data: bytes, output: Path | None) -> None:
    if output is not None:
        write_atomic(output, data)
        return
    if sys.stdout.isatty():
        detail = "Parquet is no text for a terminal"
        raise UsageError(Diagnostic(summary="nowhere to write", detail=detail, hint="add -o FILE, or pipe it"))
    sys.stdout.buffer.write(data)


def _target(options: ExportOptions) -> Target:
    return target_of(options.spec, load_project(options.spec.parent), options.name, None)


def _nothing(options: ExportOptions, detail: str) -> Diagnostic:
    return Diagnostic(summary="nothing made yet", detail=detail, hint=f"run {_target(options).command('apply')} first")
