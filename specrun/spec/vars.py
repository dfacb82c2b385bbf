"""Variables: the spec's, and what overrides them."""

import os
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from pathlib import Path

import msgspec

from specrun.canonical import Json
from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Severity, did_you_mean, nearest
from specrun.spec.given_value import read_given
from specrun.spec.name import ENVIRONMENT_PREFIX
from specrun.spec.nodes import Mapping, kind, plain
from specrun.spec.spec import Spec
from specrun.spec.yaml import load_yaml

# Windows has the names of its environment in upper case.
FOLDED = os.name == "nt"
# Other specs may have variables of their own in the environment.
_ALIKE = 0.8


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable's value and where it comes from: `shots.yaml:4:8`, `SPECRUN_VAR_brand`, `prod.yaml:1:8`, `--var`."""

    name: str
    value: Json
    origin: str
    overridden: tuple[tuple[str, Json], ...] = ()

    @property
    def declared(self) -> Json:
        """The value that the spec gives it."""
        return self.overridden[0][1] if self.overridden else self.value


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line and the environment say; later entries win over earlier ones.

    `values` are those of a saved plan, known already.
    """

    values: AnyMapping[str, Json] = msgspec.field(default_factory=dict)
    flags: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()
    environment: AnyMapping[str, str] | None = None


def resolve_vars(spec: Spec, overrides: Overrides, faults: Collector) -> dict[str, Variable]:
    """Return each variable with its winner: --var over --var-file over the environment over the spec."""
    values = {
        name: Variable(name=name, value=value, origin=str(spec.var_spans[name])) for name, value in spec.vars.items()
    }
    _read_environment(values, overrides.environment or {}, faults)
    for path in overrides.files:
        _read_file(values, path, faults)
    for name, text in overrides.flags:
        if _known(values, name, f"--var {name}", faults):
            _override(values, name, text, "--var", f"--var {name}", faults)
    for name, value in overrides.values.items():
        if _known(values, name, f"--var {name}", faults):
            _set(values, name, value, "--var")
    return values


def _read_environment(values: dict[str, Variable], environment: AnyMapping[str, str], faults: Collector) -> None:
    given = {
        name.removeprefix(ENVIRONMENT_PREFIX): text
        for name, text in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    if FOLDED:
        given = {_meant(name, values): text for name, text in given.items()}
    for name in values:
        if name in given:
            origin = ENVIRONMENT_PREFIX + name
            _override(values, name, given[name], origin, origin, faults)
    free = [name for name in values if name not in given]
    for name in sorted(given.keys() - values.keys()):
        near = nearest(name, free, cutoff=_ALIKE)
        if near:
            detail = f'{ENVIRONMENT_PREFIX}{name} is set, and the spec has no variable "{name}"'
            hint = f"did you mean {ENVIRONMENT_PREFIX}{near[0]}?"
            faults.add(Diagnostic(summary="unknown variable", detail=detail, hint=hint, severity=Severity.WARNING))


def _meant(name: str, variables: Iterable[str]) -> str:
    """Return the one variable that a name means where the environment does not tell upper from lower case."""
    found = [variable for variable in variables if variable.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else name


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
        value = read_given(text, shown, values[name].declared)
    except InvalidInputError as error:
        faults.extend(error.diagnostics)
    except UnicodeEncodeError:
        faults.add(Diagnostic(summary="not UTF-8", detail=f"the value of {shown} has a byte that is not UTF-8"))
    else:
        _set(values, name, value, origin)
