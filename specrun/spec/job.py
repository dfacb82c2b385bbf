"""One job of a spec: prompt, model, matrix, params, and which cells it keeps."""

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping

from specrun.diagnostics import did_you_mean
from specrun.spec.nodes import Mapping, Node, Scalar, Sequence
from specrun.spec.paths import ProjectPaths
from specrun.spec.prompt import read_prompt
from specrun.spec.reader import Reader, entries, not_indented
from specrun.spec.spec import RESERVED, AxisSpec, Job, Match, Override, Params
from specrun.spec.text import Text, scalar_text

JOB_FIELDS = (
    "prompt",
    "prompts",
    "model",
    "models",
    "matrix",
    "exclude",
    "where",
    "include",
    "overrides",
    "samples",
    "revision",
    "params",
    "output",
    "protect",
)
# Words of the template language, which no name can take.
_WORDS = frozenset("True False None true false none and or not in is if else elif for self".split())
_MODELS_HINT = "several models are `models: [a, b]`: an axis"
_ADDRESS_MARKS = frozenset('[]=,"*?')


def read_job(
    read: Reader, paths: ProjectPaths, name: str, key: Scalar, node: Node, prompts: AnyMapping[str, Text | None]
) -> Job | None:
    """Read one job; None where it is not even a mapping."""
    if not name.strip() or _ADDRESS_MARKS & set(name) or not name.isprintable():
        read.fail(key, "unusable name", f'"{name}" cannot name a job', 'leave out [ ] = , " * ? and control characters')
    fields = read.mapping(node, f"job {name}")
    if fields is None:
        return None
    return _JobReader(read, paths, fields, name).job(key, prompts)


class _JobReader:
    def __init__(self, read: Reader, paths: ProjectPaths, fields: Mapping, name: str) -> None:
        self._read = read
        self._paths = paths
        self._fields = fields
        self._name = name
        self._unread: set[str] = set()

    def job(self, key: Scalar, prompts: AnyMapping[str, Text | None]) -> Job:
        read, get = self._read, self._fields.get
        self._exactly_one(key, "prompt", "prompts")
        self._exactly_one(key, "model", "models")
        prompt, names, output, where = get("prompt"), get("prompts"), get("output"), get("where")
        protect = get("protect")
        return Job(
            name=self._name,
            span=key.span,
            prompt=None if prompt is None else read_prompt(read, self._paths, prompt, "prompt"),
            prompts=None if names is None else self._prompt_names(names, prompts),
            model=self._text("model", _MODELS_HINT if isinstance(get("model"), Sequence) else ""),
            models=self._models(),
            axes=self._axes(),
            exclude=self._matches("exclude"),
            include=self._matches("include"),
            where=None if where is None else self._scalar("where", 'write an expression: "{{ item.stock | int > 0 }}"'),
            overrides=self._overrides(),
            samples=get("samples"),
            revision=get("revision"),
            params=read_params(read, get("params")),
            output=None if output is None else self._text("output"),
            protect=False if protect is None else bool(read.boolean(protect, "protect")),
            unread=frozenset(self._unread),
            strange=tuple(self._strange()),
        )

    def _strange(self) -> Iterator[tuple[Scalar, str]]:
        above: tuple[Scalar, Node] | None = None
        for key, value in self._fields.pairs():
            if key.value in JOB_FIELDS:
                above = (key, value)
            else:
                yield key, not_indented(above, key)

    def _exactly_one(self, key: Scalar, one: str, many: str) -> None:
        given = [field for field in (one, many) if self._fields.get(field) is not None]
        if not given:
            hint = f"add `{one}: …`, or `{many}: [a, b]` for an axis"
            self._read.fail(key, "missing key", f"job {self._name} has no {one}", hint)
        elif len(given) == 2:  # noqa: PLR2004 - both of the two
            at = self._fields.entries[many][0]
            self._read.fail(at, "contradiction", f"`{one}` and `{many}` exclude each other", "keep one of them")

    def _text(self, field: str, hint: str = "") -> Text | None:
        node = self._scalar(field, hint)
        return None if node is None else scalar_text(node)

    def _scalar(self, field: str, hint: str = "") -> Scalar | None:
        node = self._fields.get(field)
        return node if node is not None and self._read.text(node, field, hint) and isinstance(node, Scalar) else None

    def _prompt_names(self, node: Node, prompts: AnyMapping[str, Text | None]) -> tuple[Scalar, ...] | None:
        items = self._read.sequence(node, "prompts")
        if items is None:
            return None
        names = []
        for item in items:
            name = self._read.text(item, "a prompt's name")
            if name is None or not isinstance(item, Scalar):
                continue
            if name not in prompts:
                hint = did_you_mean(name, prompts) or "name it under the spec's `prompts`"
                self._read.fail(item, "unknown prompt", f'no prompt is called "{name}"', hint)
                continue
            names.append(item)
        if not items:
            self._read.fail(node, "empty list", "`prompts` names no prompt")
        return tuple(names)

    def _models(self) -> tuple[Text, ...] | None:
        node = self._fields.get("models")
        if node is None:
            return None
        items = self._read.sequence(node, "models")
        if items is not None and not items:
            self._read.fail(node, "empty list", "`models` names no model")
        return tuple(
            scalar_text(item)
            for item in items or ()
            if self._read.text(item, "a model") is not None and isinstance(item, Scalar)
        )

    def _axes(self) -> tuple[AxisSpec, ...]:
        node = self._fields.get("matrix")
        if node is None:
            return self._included_axes()
        axes = []
        for name, key, value in entries(self._read.mapping(node, "matrix")):
            axis = self._axis(name, key, value) if self._usable_axis(name, key) else None
            if axis is None:
                self._unread.add(name)
            else:
                axes.append(axis)
        return tuple(axes)

    def _included_axes(self) -> tuple[AxisSpec, ...]:
        """Return the axes of a job whose cells are all written out, under `include`."""
        node = self._fields.get("include")
        cells = node.items if isinstance(node, Sequence) else ()
        keys: dict[str, Scalar] = {}
        for cell in cells:
            for key, _ in cell.pairs() if isinstance(cell, Mapping) else ():
                keys.setdefault(str(key.value), key)
        others = {name: key for name, key in keys.items() if name not in ("prompt", "model", "sample")}
        for name, key in others.items():
            self._usable_axis(name, key)
        return tuple(AxisSpec(name=name, values=None, label=None, span=key.span) for name, key in others.items())

    def _usable_axis(self, name: str, key: Scalar) -> bool:
        if name in RESERVED:
            hint = "use `prompts`, `models` or `samples` for these axes" if name in ("prompt", "model") else ""
            self._read.fail(key, "reserved name", f'an axis cannot be called "{name}"', hint or "rename the axis")
        elif not name.isidentifier() or name.startswith("_") or name in _WORDS:
            hint = "use letters, digits and _, start with a letter, and leave templates their own words"
            self._read.fail(key, "unusable name", f'"{name}" cannot name an axis', hint)
        else:
            return True
        return False

    def _axis(self, name: str, key: Scalar, node: Node) -> AxisSpec | None:
        label = None
        values: Node | None = node
        if isinstance(node, Mapping):
            fields = self._read.fields(node, f"axis {name}", ("values", "label"))
            values = None if fields is None else fields.get("values")
            label_node = None if fields is None else fields.get("label")
            if isinstance(label_node, Scalar) and self._read.text(label_node, "label") is not None:
                label = scalar_text(label_node)
            if values is None:
                self._read.fail(node, "missing key", f"axis {name} has no `values`", "write it as a list")
                return None
        if isinstance(values, Sequence) or (isinstance(values, Scalar) and "{{" in values.text):
            return AxisSpec(name=name, values=values, label=label, span=key.span)
        hint = "write it as [a, b], or as one expression: \"{{ csv('products.csv') }}\""
        self._read.fail(values or node, "wrong type", f"axis {name} is not a list", hint)
        return None

    def _matches(self, field: str) -> tuple[Match, ...]:
        node = self._fields.get(field)
        items = None if node is None else self._read.sequence(node, field, "[{style: ink}]")
        matches = (self._match(item, f"an entry of `{field}`") for item in items or ())
        return tuple(match for match in matches if match is not None)

    def _match(self, node: Node, what: str) -> Match | None:
        mapping = self._read.mapping(node, what)
        return None if mapping is None else Match(entries=mapping.entries, span=mapping.span)

    def _overrides(self) -> tuple[Override, ...]:
        node = self._fields.get("overrides")
        items = (
            None
            if node is None
            else self._read.sequence(node, "overrides", "[{match: {style: ink}, params: {steps: 30}}]")
        )
        overrides = (self._override(item) for item in items or ())
        return tuple(override for override in overrides if override is not None)

    def _override(self, node: Node) -> Override | None:
        fields = self._read.fields(node, "an override", ("match", "params", "protect"))
        if fields is None:
            return None
        match_node, protect = fields.get("match"), fields.get("protect")
        if match_node is None:
            hint = "say which cells it is for, as in match: {style: ink}"
            self._read.fail(fields, "missing key", "an override needs `match`", hint)
            return None
        match = self._match(match_node, "match")
        if match is None:
            return None
        return Override(
            match=match,
            params=read_params(self._read, fields.get("params")),
            protect=None if protect is None else self._read.boolean(protect, "protect"),
        )


def read_params(read: Reader, node: Node | None) -> Params:
    """Read one layer of parameters."""
    mapping = None if node is None else read.mapping(node, "params")
    if mapping is None:
        return Params()
    for name, hint in (("prompt", "give the job a `prompt`"), ("model", "give the job a `model`")):
        entry = mapping.entries.get(name)
        if entry is not None:
            read.fail(entry[0], "not a param", f"`{name}` does not stand under params", hint)
    kept = {name: entry for name, entry in mapping.entries.items() if name not in ("prompt", "model")}
    return Params(entries=kept)
