"""What pages say of a run and its images beside the pictures: labels with texts, for whoever wants to know all."""

from collections.abc import Iterable, Iterator

from specrun.model.inputs import OutputImage, recipe_param
from specrun.model.lock import LockRow
from specrun.model.plan import Change
from specrun.model.run import Run
from specrun.pages.sheet import Difference, Param, Picture
from specrun.report.word_diff import pieces
from specrun.report.words import value
from specrun.store.manifest import ManifestOutput

_KIB = 1024


def output_facts(output: ManifestOutput) -> Iterator[tuple[str, str]]:
    """Return what is known of an image's bytes."""
    yield "Size", f"{output.width:,} by {output.height:,} pixels"
    yield "Type", f"{output.media_type}, {size(output.bytes)}"
    yield "File", output.path
    yield "Received", output.blob
    if output.file != output.blob:
        yield "Delivered", output.file


def request_facts(subject: LockRow | Run) -> Iterator[tuple[str, str]]:
    """Return what is pinned of a run, or of one that is planned what will be."""
    for source, digest in _inputs(subject):
        yield "Input", f"{source} ({digest or 'not known yet'})"
    if isinstance(subject, LockRow) and subject.take > 1:
        yield "Take", f"{subject.take}"
    if subject.revision > 1:
        yield "Revision", f"{subject.revision}"
    if subject.seed is None and subject.sample > 1:
        yield "Sample", f"{subject.sample}"
    yield "Key", subject.key or "not known yet"
    if isinstance(subject, LockRow) and subject.request_digest not in {None, subject.key}:
        yield "Request", str(subject.request_digest)
    yield "Schema", subject.schema_digest


def input_pictures(subject: LockRow | Run) -> tuple[Picture, ...]:
    """Return the images that a run is made from, as far as it is known which."""
    return tuple(Picture(blob=digest, caption=source) for source, digest in _inputs(subject) if digest)


def _inputs(subject: LockRow | Run) -> Iterable[tuple[str, str | None]]:
    if isinstance(subject, LockRow):
        return subject.inputs.items()
    return [(image.source, None if isinstance(image, OutputImage) else image.digest) for image in subject.inputs]


def request_params(subject: LockRow | Run) -> tuple[Param, ...]:
    """Return the parameters that a run sends, the prompt and the seed aside; those that the spec gives come first."""
    params = (
        Param(name=name, value=recipe_param(value), given=name not in subject.defaults)
        for name, value in sorted(subject.params.items())
        if name not in {"prompt", "seed"}
    )
    return tuple(sorted(params, key=lambda param: not param.given))


def differences(changes: Iterable[Change]) -> tuple[Difference, ...]:
    """Return the fields that changed, prose word by word."""
    return tuple(Difference(field=change.field, pieces=tuple(_pieces(change))) for change in changes)


def renamed(before: str, after: str) -> Iterator[Difference]:
    """Yield the address as a difference where a run goes on from what had another one."""
    if before != after:
        yield Difference(field="address", pieces=(("-", before), ("", " → "), ("+", after)))


def _pieces(change: Change) -> Iterator[tuple[str, str]]:
    old, new = change.old, change.new
    if isinstance(old, str) and isinstance(new, str) and (" " in old or " " in new):
        yield from pieces(old, new)
        return
    yield "-", value(old)
    yield "", " → "
    yield "+", value(new)


def size(length: int) -> str:
    """Return a number of bytes as people read it: `89 KiB`, `1.4 MiB`."""
    if length < _KIB:
        return f"{length} bytes"
    if length < _KIB * _KIB:
        return f"{length / _KIB:,.0f} KiB"
    return f"{length / _KIB / _KIB:,.1f} MiB"
