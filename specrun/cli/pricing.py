"""What the images of a project cost today."""

from specrun.catalog.prices import Prices
from specrun.cli.catalogue import catalog_of
from specrun.model.project import Project


def prices_of(project: Project) -> Prices:
    """Return the prices of all whom a project may ask."""
    return Prices(providers=project.providers, catalog=catalog_of(project), own=project.prices)
