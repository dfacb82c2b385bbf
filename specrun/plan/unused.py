"""Models that a spec names and no job asks: their slips would show only once one does."""

from specrun.diagnostics import Collector
from specrun.plan.axes import AxisReader
from specrun.plan.groups import Setting
from specrun.plan.takes import check_names, check_values


def check_unused_models(setting: Setting, faults: Collector) -> None:
    """Check the models that no job names, as far as they can be known: id, and the params that they bring along."""
    spec = setting.spec
    texts = [text.text for job in spec.jobs.values() for text in (job.model, *(job.models or ())) if text is not None]
    if any("{" in text for text in texts):
        return  # which of them jobs ask, templates decide
    reader = AxisReader(spec, setting.catalog, setting.compiler, setting.origin, faults)
    for name, alias in spec.models.items():
        if alias is None or name in texts:
            continue
        choice = reader.aliased(alias, setting.scope)
        if choice is not None:
            given = [(choice.schema, (alias.params,))]
            check_names(given, setting.catalog, faults)
            check_values(given, setting.compiler, setting.scope, faults)
