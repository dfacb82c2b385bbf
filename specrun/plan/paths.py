"""Output paths: where each image of a run is delivered."""

from collections.abc import Iterable, Sequence
from operator import methodcaller

from specrun.canonical import canonical
from specrun.model.output_path import stem
from specrun.model.path_rules import PathProblemError, checked, is_device, is_sound, plain_paths
from specrun.plan.labels import LONGEST_NAME, fit, short_hash, slug

__all__ = [
    "PathProblemError",
    "all_plain",
    "checked",
    "default_paths",
    "indexed",
    "is_sound",
    "shortened",
    "with_extension",
]

_DEVICE_HEADS = frozenset(("con", "prn", "aux", "nul", "com", "lpt"))


def default_paths(
    job: str, labels: Sequence[Sequence[str]], samples: Sequence[int] | None, count: int
) -> Iterable[str]:
    """Return the paths, without extension and index, of `count` runs whose job has no `output`.

    `labels` hold a list an axis.
    """
    slugs = [list(map({label: slug(label) for label in set(along)}.__getitem__, along)) for along in labels]
    names = list(map("-".join, zip(*slugs, strict=True))) if slugs else [slug(job)] * count
    if max(map(len, names)) > LONGEST_NAME:
        cells = list(zip(*labels, strict=True)) or [()] * count
        names = [
            fit(name, canonical(cell)) if len(name) > LONGEST_NAME else name
            for name, cell in zip(names, cells, strict=True)
        ]
    folder = fit(job, job)
    if samples is not None:
        return [f"{folder}/{name}-{sample}" for name, sample in zip(names, samples, strict=True)]
    return [
        f"{folder}/{name}-{short_hash(name)}" if name[:3] in _DEVICE_HEADS and is_device(name) else f"{folder}/{name}"
        for name in names
    ]


def all_plain(paths: Sequence[str], ext: str) -> bool:
    """Whether paths are such that none of the rules changes or refuses any: nearly all are."""
    return (
        max(map(len, paths)) <= LONGEST_NAME
        and all(map(methodcaller("endswith", f".{ext}"), paths))
        and plain_paths(paths)
    )


def shortened(path: str) -> str:
    """Return a path whose over-long parts are cut, keeping its image suffix."""
    folders, slash, name = path.rpartition("/")
    bare = stem(name)
    parts = [fit(part, part) for part in folders.split("/")]
    return "/".join(parts) + slash + fit(bare, bare) + name[len(bare) :]


def with_extension(path: str, ext: str) -> str:
    """Return a path whose image suffix is the one expected, added where there is none."""
    return f"{stem(path)}.{ext}"


def indexed(path: str, index: int) -> str:
    """Return a path with an image's index before its suffix."""
    bare = stem(path)
    return f"{bare}-{index}{path[len(bare) :]}"
