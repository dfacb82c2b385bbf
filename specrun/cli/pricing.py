"""What the images of a plan cost today."""

from specrun.apply.money import Prices
from specrun.cli.catalogue import catalog_of
from specrun.model.plan import Plan
from specrun.model.project import Project


def prices_of(plan: Plan, project: Project) -> Prices:
    """Return the prices of whoever makes the images of a plan."""
    makers = {run.provider for action in plan.actions if (run := action.run) is not None}
    providers = {name: project.providers[name] for name in makers}
    return Prices(providers=providers, catalog=catalog_of(project), own=project.prices)
