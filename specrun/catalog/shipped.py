"""The schemas that come with specrun: its models, and the formats of the files that it reads and writes."""

from pathlib import Path

# In order of a reader's interest: `specrun schema NAME` prints one of these.
FORMATS = ("spec", "project", "plan", "lock", "manifest")

_PACKAGE = Path(__file__).resolve().parent.parent
# A wheel holds the schemas inside the package, a checkout beside it.
SHIPPED = next((f for f in (_PACKAGE / "_schemas", _PACKAGE.parent / "schemas") if f.is_dir()), _PACKAGE / "_schemas")


def format_path(name: str) -> Path:
    """Return the file of one of `FORMATS`."""
    return SHIPPED / f"{name}.schema.json"


def model_files(folder: Path) -> tuple[Path, ...]:
    """Return the model schemas in a folder, by name: its JSON files, apart from those of file formats."""
    formats = {format_path(name).name for name in FORMATS}
    return tuple(sorted(path for path in folder.glob("*.json") if path.name not in formats and path.is_file()))
