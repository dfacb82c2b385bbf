"""A spec file to a `Spec`: every structural fault at once, each at its place."""

from collections.abc import Mapping as AnyMapping
from pathlib import Path

from specrun.canonical import Json
from specrun.diagnostics import Collector, Diagnostic, Span, did_you_mean
from specrun.model.project import Project
from specrun.spec.job import read_job, read_params
from specrun.spec.name import usable_name
from specrun.spec.nodes import Mapping, Node, Scalar, kind, plain
from specrun.spec.paths import ProjectPaths
from specrun.spec.project import read_budget
from specrun.spec.prompt import read_prompt
from specrun.spec.provenance import read_provenance
from specrun.spec.reader import Reader, entries
from specrun.spec.spec import Alias, Job, Params, Spec
from specrun.spec.text import Text, scalar_text
from specrun.spec.yaml import compose, read_source

MOST_RUNS = 100_000

_FIELDS = (
    *("specrun", "name", "provider", "vars", "defaults", "prompts", "models", "jobs"),
    *("max_runs", "budget", "provenance"),
)


def load_spec(path: Path, project: Project, faults: Collector, *, name: str | None = None) -> Spec | None:
    """Read one spec; `name` is a variant's. Return None, with the faults collected, where it is no spec at all.

    Raises `InvalidInputError` for a file that cannot be read as YAML.
    """
    paths = ProjectPaths(project.root, path.resolve().parent, project.outputs)
    root = compose(read_source(path, _shown(path)), faults)
    read = Reader(faults)
    fields = read.fields(root, "a spec", _FIELDS)
    if fields is None or not _version(read, fields):
        return None
    return _SpecReader(read, fields, paths).spec(path, project, name)


class _SpecReader:
    def __init__(self, read: Reader, fields: Mapping, paths: ProjectPaths) -> None:
        self._read = read
        self._fields = fields
        self._paths = paths

    def spec(self, path: Path, project: Project, name: str | None) -> Spec:
        prompts = self._prompts()
        models = self._models()
        provider_node = self._fields.get("provider")
        budget = self._fields.get("budget")
        provenance, omit_spans = read_provenance(self._read, self._fields.get("provenance"))
        return Spec(
            path=path,
            source=self._fields.source,
            name=name or self._name(path),
            provider=self._provider(provider_node, project),
            provider_span=None if provider_node is None else provider_node.span,
            vars=self._vars(),
            var_spans=self._var_spans(),
            defaults=self._defaults(),
            prompts=prompts,
            models=models,
            jobs=self._jobs(prompts),
            max_runs=self._max_runs(),
            budget=None if budget is None else read_budget(self._read, budget),
            provenance=provenance,
            omit_spans=omit_spans,
            files=tuple(sorted(self._paths.asked)),
        )

    def _name(self, path: Path) -> str:
        node = self._fields.get("name")
        if node is None:
            name, at = path.stem, self._fields.start.span
        else:
            name, at = self._read.text(node, "name") or path.stem, node.span
        if not usable_name(name):
            hint = "use letters, digits, . _ -, start with a letter or digit, and avoid names of devices such as CON"
            detail = f'"{name}" cannot name a spec: its folder of outputs is called after it'
            self._read.faults.add(Diagnostic(summary="unusable name", detail=detail, span=at, hint=hint))
        return name

    def _provider(self, node: Node | None, project: Project) -> str | None:
        name = None if node is None else self._read.text(node, "provider")
        if node is not None and name is not None and name not in project.providers:
            hint = did_you_mean(name, project.providers) or f"known: {', '.join(sorted(project.providers))}"
            self._read.fail(node, "unknown provider", f'no provider is called "{name}"', hint)
            return None
        return name

    def _vars(self) -> dict[str, Json]:
        node = self._fields.get("vars")
        values: dict[str, Json] = {}
        for name, key, value in entries(None if node is None else self._read.mapping(node, "vars")):
            if not name.isidentifier():
                self._read.fail(key, "unusable name", f'"{name}" cannot name a variable', "use letters, digits and _")
            self._refuse_templates(value)
            values[name] = plain(value)
        return values

    def _var_spans(self) -> dict[str, Span]:
        node = self._fields.get("vars")
        return {name: value.span for name, _, value in entries(node if isinstance(node, Mapping) else None)}

    def _refuse_templates(self, node: Node) -> None:
        if isinstance(node, Scalar):
            if "{{" in node.text or "{%" in node.text:
                detail = "variables are plain values; templates are not evaluated here"
                self._read.fail(node, "template in vars", detail, "put the template where the variable is used")
        elif isinstance(node, Mapping):
            for _, value in node.pairs():
                self._refuse_templates(value)
        else:
            for item in node.items:
                self._refuse_templates(item)

    def _defaults(self) -> Params:
        node = self._fields.get("defaults")
        fields = None if node is None else self._read.fields(node, "defaults", ("params",))
        return read_params(self._read, None if fields is None else fields.get("params"))

    def _prompts(self) -> dict[str, Text | None]:
        node = self._fields.get("prompts")
        named = entries(None if node is None else self._read.mapping(node, "prompts"))
        return {name: read_prompt(self._read, self._paths, value, f"prompt {name}") for name, _, value in named}

    def _models(self) -> dict[str, Alias | None]:
        node = self._fields.get("models")
        named = entries(None if node is None else self._read.mapping(node, "models"))
        return {name: self._alias(name, value) for name, _, value in named}

    def _jobs(self, prompts: AnyMapping[str, Text | None]) -> dict[str, Job]:
        hint = "add a job with a model and a prompt"
        node = self._fields.get("jobs")
        if node is None:
            self._read.fail(self._fields.start, "missing key", "a spec needs `jobs`", hint)
            return {}
        if isinstance(node, Mapping) and not node.entries:
            self._read.fail(node, "no jobs", "`jobs` is empty", hint)
        read = (
            read_job(self._read, self._paths, name, key, value, prompts)
            for name, key, value in entries(self._read.mapping(node, "jobs"))
        )
        return {job.name: job for job in read if job is not None}

    def _alias(self, name: str, node: Node) -> Alias | None:
        what = f"model {name}"
        if isinstance(node, Scalar):
            known = self._read.text(node, what)
            return None if known is None else Alias(name=name, model=scalar_text(node), params=Params())
        fields = self._read.fields(node, what, ("id", "params"))
        if fields is None:
            return None
        model = fields.get("id")
        if model is None:
            self._read.fail(fields, "missing key", f"{what} needs an `id`", "run `specrun models` for the ids")
            return None
        if not isinstance(model, Scalar) or self._read.text(model, f"{what}.id") is None:
            return None
        return Alias(name=name, model=scalar_text(model), params=read_params(self._read, fields.get("params")))

    def _max_runs(self) -> int:
        node = self._fields.get("max_runs")
        return (None if node is None else self._read.integer(node, "max_runs")) or MOST_RUNS


def _version(read: Reader, fields: Mapping) -> bool:
    node = fields.get("specrun")
    if node is None:
        read.fail(fields.start, "missing key", "the spec does not say its version", "start it with `specrun: 1`")
        return True
    if not isinstance(node, Scalar) or node.value != 1 or isinstance(node.value, bool):
        detail, hint = f"`specrun` is the version of the language, 1, not {kind(node)}", "write `specrun: 1`"
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
            detail, hint = f'`specrun` is the text "{node.value}", not a number', "write `specrun: 1`, without quotes"
        elif isinstance(node, Scalar) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            detail, hint = f"this specrun reads version 1, not {node.text}", f"{hint}, or look for a newer specrun"
        read.fail(node, "unsupported version", detail, hint)
        return False
    return True


def _shown(path: Path) -> str:
    """Return a path as the user would type it from here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
