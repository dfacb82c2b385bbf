"""Variables: the spec's, and what overrides them."""

from collections.abc import Mapping as AnyMapping
from pathlib import Path

import msgspec

from specrun.canonical import Json
from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Source, did_you_mean
from specrun.spec.name import ENVIRONMENT_PREFIX
from specrun.spec.nodes import Mapping, kind, plain
from specrun.spec.spec import Spec
from specrun.spec.yaml import load_yaml, parse_yaml


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable's value and where it comes from: `shots.yaml:4:8`, `SPECRUN_VAR_brand`, `prod.yaml:1:8`, `--var`."""

    name: str
    value: Json
    origin: str
    overridden: tuple[tuple[str, Json], ...] = ()


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line and the environment say; later entries win over earlier ones."""

    flags: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()
    environment: AnyMapping[str, str] | None = None


def resolve_vars(spec: Spec, overrides: Overrides, faults: Collector) -> dict[str, Variable]:
    """Return each variable with its winner: --var over --var-file over the environment over the spec."""
    values = {
        name: Variable(name=name, value=value, origin=str(spec.var_spans[name])) for name, value in spec.vars.items()
    }
    for name in values:
        text = (overrides.environment or {}).get(ENVIRONMENT_PREFIX + name)
        if text is not None:
            origin = ENVIRONMENT_PREFIX + name
            _override(values, name, text, origin, origin, faults)
    for path in overrides.files:
        _read_file(values, path, faults)
    for name, text in overrides.flags:
        if _known(values, name, f"--var {name}", faults):
            _override(values, name, text, "--var", f"--var {name}", faults)
    return values


def _set(values: dict[str, Variable], name: str, value: Json, origin: str) -> None:
    before = values[name]
    beaten = (*before.overridden, (before.origin, before.value))
    values[name] = Variable(name=name, value=value, origin=origin, overridden=beaten)


def _read_file(values: dict[str, Variable], path: Path, faults: Collector) -> None:
    try:
        node = load_yaml(path, path.as_posix())
    except InvalidInputError as error:
        faults.extend(error.diagnostics)
        return
    if not isinstance(node, Mapping):
        detail = f"a file of variables is a mapping, not {kind(node)}"
        faults.add(Diagnostic(summary="wrong type", detail=detail, span=node.span))
        return
    for name, (key, value) in node.entries.items():
        if name in values:
            _set(values, name, plain(value), str(value.span))
        else:
            hint = did_you_mean(name, values) or "declare it under the spec's `vars`"
            detail = f'the spec has no variable "{name}"'
            faults.add(Diagnostic(summary="unknown variable", detail=detail, span=key.span, hint=hint))


def _known(values: AnyMapping[str, Variable], name: str, what: str, faults: Collector) -> bool:
    if name in values:
        return True
    hint = did_you_mean(name, values) or "declare it under the spec's `vars`"
    faults.add(Diagnostic(summary="unknown variable", detail=f'{what}: the spec has no variable "{name}"', hint=hint))
    return False


def _override(values: dict[str, Variable], name: str, text: str, origin: str, shown: str, faults: Collector) -> None:
    """Read a value as YAML, so that `--var n=3` is a number; an empty one is an empty text."""
    try:
        text.encode()
        value = plain(parse_yaml(Source(name=shown, text=text))) if text.strip() else text
    except InvalidInputError as error:
        faults.extend(error.diagnostics)
    except UnicodeEncodeError:
        faults.add(Diagnostic(summary="not UTF-8", detail=f"the value of {shown} has a byte that is not UTF-8"))
    else:
        _set(values, name, value, origin)
