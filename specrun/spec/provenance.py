"""What a spec says about provenance: `embed`, `sidecar` or `none`, and what to withhold."""

from collections.abc import Mapping as AnyMapping

from specrun.diagnostics import Span, did_you_mean
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings
from specrun.spec.nodes import Mapping, Node
from specrun.spec.reader import Reader

_MODES = {mode.value: mode for mode in ProvenanceMode}


def read_provenance(read: Reader, node: Node | None) -> tuple[ProvenanceSettings, AnyMapping[str, Span]]:
    """Return the settings, and where each withheld name stands; the names are checked where models are known."""
    if node is None:
        return ProvenanceSettings(), {}
    if not isinstance(node, Mapping):
        return ProvenanceSettings(mode=_mode(read, node)), {}
    fields = read.fields(node, "provenance", ("mode", "omit"))
    mode = None if fields is None else fields.get("mode")
    omit = None if fields is None else fields.get("omit")
    spans = {} if omit is None else _names(read, omit)
    where = ProvenanceMode.EMBED if mode is None else _mode(read, mode)
    # Where nothing is told there is nothing to withhold, and two ways to say so are one setting.
    omit_names = () if where is ProvenanceMode.NONE else tuple(sorted(spans))
    return ProvenanceSettings(mode=where, omit=omit_names), spans


def _mode(read: Reader, node: Node) -> ProvenanceMode:
    text = read.text(node, "provenance")
    if text is not None and text not in _MODES:
        hint = did_you_mean(text, _MODES) or f"known: {', '.join(_MODES)}"
        read.fail(node, "unknown value", f'provenance cannot be "{text}"', hint)
    return _MODES.get(text or "", ProvenanceMode.EMBED)


def _names(read: Reader, node: Node) -> dict[str, Span]:
    items = read.sequence(node, "omit") or ()
    names = [(read.text(item, "a name to withhold"), item.span) for item in items]
    return {name: span for name, span in names if name is not None}
