"""What templates can read: files of the project, and the outputs of other jobs."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from specrun.canonical import digest
from specrun.diagnostics import InvalidInputError, Source
from specrun.model.inputs import FileImage, OutputImage
from specrun.plan.template import FunctionError
from specrun.spec.nodes import plain
from specrun.spec.paths import PathRefusedError, ProjectPaths
from specrun.spec.yaml import LARGEST_FILE, parse_yaml

Outputs = Callable[[str, Mapping[str, Any]], list[OutputImage]]


class Functions:
    """The functions of one spec's templates; `files` holds the digest of every data file they read."""

    def __init__(self, paths: ProjectPaths, outputs: Outputs) -> None:
        self._paths = paths
        self._outputs = outputs
        self._cache: dict[tuple[object, ...], Any] = {}
        self._images: dict[Path, FileImage] = {}
        self.files: dict[str, str] = {}

    def table(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by the names that templates use."""
        return {
            "csv": self.csv,
            "json": self.json,
            "yaml": self.yaml,
            "lines": self.lines,
            "text": self.text,
            "file": self.file,
            "glob": self.glob,
            "output": self.output,
            "outputs": self.outputs,
        }

    def csv(self, path: str, delimiter: str | None = None, quotechar: str = '"') -> Any:
        """Read rows as mappings of texts, keyed by the header."""
        return self._once(("csv", path, delimiter, quotechar), lambda: self._rows(path, delimiter, quotechar))

    def json(self, path: str) -> Any:
        """Read a JSON file."""
        return self._once(("json", path), lambda: self._json(path))

    def yaml(self, path: str) -> Any:
        """Read a YAML file, with the core schema as in specs."""
        return self._once(("yaml", path), lambda: self._yaml(path))

    def lines(self, path: str) -> list[str]:
        """Read a file's lines; blank ones are left out."""
        text = self._read("lines", path)
        return [line.rstrip() for line in text.splitlines() if line.strip()]

    def text(self, path: str) -> str:
        """Read a whole file, without its last line break."""
        return self._read("text", path).removesuffix("\n").removesuffix("\r")

    def file(self, path: str) -> FileImage:
        """Name an image file; its content is part of the run's key."""
        return self._image(self._existing("file", path))

    def glob(self, pattern: Any) -> list[FileImage]:
        """Name all image files that match, sorted by path."""
        if not isinstance(pattern, str) or not pattern:
            raise FunctionError("glob() takes a pattern, as in 'photos/*.png'", "glob")
        self._inside("glob", pattern.split("*", 1)[0].rpartition("/")[0] or ".")
        try:
            found = [path.resolve() for path in self._paths.folder.glob(pattern) if path.is_file()]
        except (ValueError, NotImplementedError, OSError) as error:
            raise FunctionError(f"glob('{pattern}'): {error}", "glob") from None
        images = [self._image(path) for path in found if path.is_relative_to(self._paths.root)]
        return sorted(set(images), key=lambda image: image.path)

    def output(self, job: str, **axes: Any) -> OutputImage:
        """Name exactly one image that another job makes."""
        found = self._outputs(job, axes)
        if len(found) != 1:
            asked = ", ".join([repr(job), *(f"{name}={value!r}" for name, value in axes.items())])
            hint = "name more axes, or use outputs() for a list" if found else "check the axes' values"
            raise FunctionError(f"output({asked}) matches {len(found)} images, not one", "output", hint)
        return found[0]

    def outputs(self, job: str, **axes: Any) -> list[OutputImage]:
        """Name the images that another job makes, in plan order."""
        return self._outputs(job, axes)

    def _once(self, call: tuple[object, ...], read: Callable[[], Any]) -> Any:
        try:
            if call not in self._cache:
                self._cache[call] = read()
        except TypeError:
            raise FunctionError(f"{call[0]}() takes a path, as in 'data/items.csv'", str(call[0])) from None
        return self._cache[call]

    def _rows(self, path: str, delimiter: str | None, quotechar: str) -> list[dict[str, str]]:
        text = self._read("csv", path)
        separator = delimiter or ("\t" if path.endswith(".tsv") else ",")
        quoting = {"quotechar": quotechar} if quotechar else {"quoting": csv.QUOTE_NONE}
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, **quoting))
        except (csv.Error, TypeError) as error:
            hint = "use quotechar='' where quotes are plain characters"
            raise FunctionError(f"csv('{path}'): {error}", "csv", hint) from None
        if not rows:
            raise FunctionError(f"csv('{path}'): the file is empty", "csv", "start it with a line of column names")
        header = [name.strip() for name in rows[0]]
        if not all(header) or len(set(header)) != len(header):
            raise FunctionError(f"csv('{path}'): column names are empty or repeat", "csv", "mend its first line")
        records = []
        for number, row in enumerate(rows[1:], start=2):
            if not row:
                continue
            if len(row) != len(header):
                detail = f"csv('{path}'): row {number} has {len(row)} fields, the header {len(header)}"
                raise FunctionError(detail, "csv", "quote fields that hold the delimiter, or name another delimiter")
            records.append(dict(zip(header, row, strict=True)))
        return records

    def _json(self, path: str) -> Any:
        text = self._read("json", path)
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise FunctionError(f"json('{path}'): {error}", "json") from None

    def _yaml(self, path: str) -> Any:
        text = self._read("yaml", path)
        try:
            return plain(parse_yaml(Source(name=path, text=text)))
        except InvalidInputError as error:
            fault = error.diagnostics[0]
            raise FunctionError(f"yaml('{path}'): {fault.span}: {fault.summary}: {fault.detail}", "yaml") from None

    def _read(self, function: str, path: str) -> str:
        real = self._existing(function, path)
        try:
            if real.stat().st_size > LARGEST_FILE:
                raise FunctionError(f"{function}('{path}'): the file is over 16 MiB", function)
            data = real.read_bytes()
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FunctionError(f"{function}('{path}'): the file is not UTF-8", function, "save it as UTF-8") from None
        except OSError as error:
            raise FunctionError(f"{function}('{path}'): {error.strerror}", function) from None
        self.files[self._paths.shown(real)] = digest(data)
        return text

    def _image(self, path: Path) -> FileImage:
        if path not in self._images:
            try:
                content = digest(path.read_bytes())
            except OSError as error:
                raise FunctionError(f"file('{path.name}'): {error.strerror}", "file") from None
            self._images[path] = FileImage(path=self._paths.shown(path), digest=content)
        return self._images[path]

    def _existing(self, function: str, path: Any) -> Path:
        if not isinstance(path, str) or not path:
            raise FunctionError(f"{function}() takes a path, as in 'data/items.csv'", function)
        real = self._inside(function, path)
        if not real.is_file():
            what = "is a folder" if real.is_dir() else "does not exist next to the spec"
            raise FunctionError(f"{function}('{path}'): it {what}", function, self._paths.nearby(real))
        return real

    def _inside(self, function: str, path: str) -> Path:
        try:
            return self._paths.inside(path)
        except PathRefusedError as error:
            raise FunctionError(f"{function}('{path}'): {error}", function) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
