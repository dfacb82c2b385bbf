"""A prompt: an inline template, or the name of a file that holds one."""

from msgspec.structs import replace

from specrun.diagnostics import Diagnostic, InvalidInputError, Span
from specrun.spec.merged import CONFLICT, KEEP_ONE, LEFT_BY_GIT, conflict_line
from specrun.spec.nodes import Node, Scalar, Sequence
from specrun.spec.paths import ProjectPaths
from specrun.spec.reader import Reader
from specrun.spec.text import Text, scalar_text
from specrun.spec.yaml import read_source


def read_prompt(read: Reader, paths: ProjectPaths, node: Node, what: str) -> Text | None:
    """Read an inline template, or `{file: prompts/lifestyle.j2}`."""
    if isinstance(node, Scalar):
        return None if read.text(node, what) is None else scalar_text(node)
    if isinstance(node, Sequence):
        hint = "name them under the spec's `prompts`, and give the job `prompts: [a, b]`: an axis"
        read.fail(node, "wrong type", f"{what} is a template or names its file, not a list", hint)
        return None
    fields = read.fields(node, what, ("file",))
    file = None if fields is None else fields.get("file")
    if file is None:
        if fields is not None:
            read.fail(fields, "missing key", f"{what} is a template or names its file", "as in {file: prompts/a.j2}")
        return None
    name = read.text(file, f"{what}.file")
    return None if name is None else _read_file(read, paths, file, name)


def _read_file(read: Reader, paths: ProjectPaths, file: Node, name: str) -> Text | None:
    path = paths.resolve(name, file.span, read.faults)
    if path is None:
        return None
    try:
        source = read_source(path, paths.shown(path))
    except InvalidInputError as error:
        read.faults.extend(replace(each, span=file.span) for each in error.diagnostics)
        return None
    merged = conflict_line(source.text)
    if merged is not None:
        span = Span(source=source, line=merged, column=1, end_line=merged, end_column=8)
        read.faults.add(Diagnostic(summary=CONFLICT, detail=LEFT_BY_GIT, span=span, hint=KEEP_ONE))
        return None
    return Text(source.text, source)
