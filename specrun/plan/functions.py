"""What templates can read: files of the project, and the outputs of other jobs."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from specrun.canonical import digest
from specrun.globbing import matching
from specrun.image_structure import cut_off
from specrun.media_type import foreign_type, media_type
from specrun.model.inputs import FileImage, OutputImage
from specrun.model.plan import Reads
from specrun.plan.bounds import describe
from specrun.plan.data_files import DataError, Table, check_text, read_csv, read_json, read_lines, read_yaml
from specrun.plan.template import FunctionError
from specrun.spec.paths import PathRefusedError, ProjectPaths
from specrun.spec.yaml import read_bounded
from specrun.store.contained import open_regular

# Larger ones, which hardly any service takes, are not looked through for their end.
_LARGEST = 256 << 20
# Enough to tell a type of file by.
_HEAD = 256

Outputs = Callable[[str, Mapping[str, Any]], list[OutputImage]]


class Functions:
    """The functions of one spec's templates; `files` holds the digest of every data file they read."""

    def __init__(self, paths: ProjectPaths, outputs: Outputs) -> None:
        self._paths = paths
        self._outputs = outputs
        self._cache: dict[tuple[str, ...], Any] = {}
        self._images: dict[Path, FileImage] = {}
        self._tables: dict[str, Table] = {}
        self.files: dict[str, str] = {}
        self._globs: set[str] = set()

    @property
    def reads(self) -> Reads:
        """All paths that were named, and all patterns that were looked for."""
        globs = [(self._paths.folder, pattern) for pattern in sorted(self._globs)]
        return Reads(files=tuple(sorted(self._paths.asked)), globs=tuple(globs))

    def origin(self, value: Any) -> str:
        """Say which line of which file a value is a row of; nothing where it is none."""
        for path, table in self._tables.items():
            for row, line in zip(table.rows, table.lines, strict=True):
                if row is value:
                    return f"line {line} of {path}"
        return ""

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

    def csv(self, path: str, delimiter: str = "", quotechar: str = '"') -> Any:
        """Read rows as mappings of texts, keyed by the header; `.tsv` means tabs, no `quotechar` no quoting."""
        separator = delimiter or ("\t" if str(path).endswith(".tsv") else ",")
        found = self._data("csv", path, lambda text: read_csv(text, separator, quotechar), separator, quotechar)
        self._tables[str(path)] = found
        return found.rows

    def json(self, path: str) -> Any:
        """Read a JSON file."""
        return self._data("json", path, read_json)

    def yaml(self, path: str) -> Any:
        """Read a YAML file, with the core schema as in specs."""
        return self._data("yaml", path, lambda text: read_yaml(text, path))

    def lines(self, path: str) -> Any:
        """Read a file's lines; blank ones are left out."""
        return self._data("lines", path, read_lines)

    def text(self, path: str) -> Any:
        """Read a whole file, without its last line break."""
        return self._data("text", path, lambda text: text.removesuffix("\n"))

    def file(self, path: str) -> FileImage:
        """Name an image file; its content is part of the run's key."""
        return self._image("file", path, self._existing("file", path, "photos/lamp.png"))

    def glob(self, pattern: Any) -> list[FileImage]:
        """Name all image files that match, sorted by path.

        Hidden files and folders only where they are named; never what specs have made, or a plan would feed on itself.
        """
        if not isinstance(pattern, str) or not pattern:
            raise FunctionError("glob() takes a pattern, as in 'photos/*.png'", "glob")
        self._inside("glob", pattern)
        self._globs.add(pattern)
        try:
            found = matching(self._paths.folder, pattern)
        except (ValueError, OSError) as error:
            raise FunctionError(f"glob('{pattern}'): {error}", "glob", "narrow the pattern") from None
        images = []
        for path in found:
            name = path.relative_to(self._paths.folder).as_posix()
            if not path.is_file():
                # A link to what is not there yet, or a folder, may come to be an image under the same name.
                self._paths.asked.add(path)
                continue
            real = self._inside("glob", name)
            if not real.is_relative_to(self._paths.outputs):
                images.append(self._image("glob", name, real))
        return sorted(set(images), key=lambda image: image.path)

    def output(self, job: str, **axes: Any) -> OutputImage:
        """Name exactly one image that another job makes."""
        found = self._outputs(job, axes)
        if len(found) != 1:
            asked = ", ".join([repr(job), *(f"{name}={_shown(value)}" for name, value in axes.items())])
            hint = "name more axes, or use outputs() for a list" if found else "check the axes' values"
            raise FunctionError(f"output({asked}) matches {len(found)} images, not one", "output", hint)
        return found[0]

    def outputs(self, job: str, **axes: Any) -> list[OutputImage]:
        """Name the images that another job makes, in plan order."""
        return self._outputs(job, axes)

    def _data(self, function: str, path: str, parse: Callable[[str], Any], *options: str) -> Any:
        """Return what a file holds, read once for each way to read it."""
        if not all(isinstance(option, str) for option in options):
            raise FunctionError(f"{function}() takes its options as texts", function)
        real = self._existing(function, path, f"data/items.{function if function not in ('lines', 'text') else 'txt'}")
        call = (function, str(real), *options)
        if call not in self._cache:
            try:
                text = self._read(function, path, real)
                check_text(text)
                self._cache[call] = parse(text)
            except DataError as error:
                raise FunctionError(f"{function}('{path}'): {error}", function, error.hint) from None
        return self._cache[call]

    def _read(self, function: str, path: str, real: Path) -> str:
        try:
            data = read_bounded(real)
        except OSError as error:
            raise FunctionError(f"{function}('{path}'): {error.strerror}", function) from None
        if data is None:
            raise FunctionError(f"{function}('{path}'): the file is over 16 MiB", function, "split it")
        # One commit is one plan, whatever line ends git or an editor gives its files.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            detail = f"{function}('{path}'): line {line} has a byte that is not UTF-8"
            raise FunctionError(detail, function, "save it as UTF-8") from None
        self.files[self._paths.shown(real)] = digest(data)
        return text

    def _image(self, function: str, name: str, path: Path) -> FileImage:
        if path not in self._images:
            try:
                with open_regular(path) as file:
                    content = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
                    file.seek(0)
                    data = file.read(_LARGEST)
            except OSError as error:
                raise FunctionError(f"{function}('{name}'): {error.strerror}", function) from None
            kind = media_type(data)
            if kind is None:
                raise _no_image(function, name, data[:_HEAD])
            if len(data) < _LARGEST and cut_off(data, kind):
                hint = "get the file anew, and look at it"
                raise FunctionError(f"{function}('{name}'): it breaks off before its end", function, hint)
            self._images[path] = FileImage(path=self._paths.shown(path), digest=content)
        return self._images[path]

    def _existing(self, function: str, path: Any, example: str) -> Path:
        if not isinstance(path, str) or not path:
            raise FunctionError(f"{function}() takes a path, as in '{example}'", function)
        real = self._inside(function, path)
        if real.is_dir():
            raise FunctionError(f"{function}('{path}'): it is a folder", function, "name a file in it")
        if real.exists() and not real.is_file():
            raise FunctionError(f"{function}('{path}'): it is not a regular file", function)
        if not real.is_file():
            detail = f"{function}('{path}'): it does not exist next to the spec"
            raise FunctionError(detail, function, self._paths.nearby(real))
        return real

    def _inside(self, function: str, path: str) -> Path:
        try:
            return self._paths.inside(path)
        except PathRefusedError as error:
            raise FunctionError(f"{function}('{path}'): {error}", function) from None


def _shown(value: Any) -> str:
    """Return a value as a template may have named it."""
    return repr(value) if isinstance(value, (str, int, float)) else describe(value)


def _no_image(function: str, name: str, head: bytes) -> FunctionError:
    """Say what a file is that is no image of a known kind, and what to do."""
    kind = foreign_type(head)
    if not head:
        what, hint = "it is empty", "save or fetch the image again"
    elif head.startswith(b"version https://git-lfs"):
        what, hint = "it only says where Git LFS keeps the image", "run `git lfs pull`"
    elif kind:
        what, hint = f"it is {kind}, not a PNG, JPEG, WebP, GIF or AVIF", "convert it to PNG"
    else:
        what, hint = "it is no PNG, JPEG, WebP, GIF or AVIF", "name an image, or read a text with text()"
    if function == "glob":
        hint += "; or narrow the pattern, as in 'photos/*.png'"
    return FunctionError(f"{function}('{name}'): {what}", function, hint)
