from collections.abc import Iterator
from pathlib import Path

import pytest
from api_server import InProcess, Start

from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.server.app import create_app


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def sandbox(catalog: Catalog) -> InProcess:
    return InProcess(create_app(catalog))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    starting = Start(tmp_path)
    yield starting
    starting.stop()
