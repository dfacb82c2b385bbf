from collections.abc import Iterator

import pytest
from asking import ENVIRON
from ray_cluster import RayCluster

from specrun.cluster.start import Cluster


@pytest.fixture(scope="session")
def machines() -> Iterator[RayCluster]:
    """A Ray cluster of two processors, whose workers know the fault server's key and whose driver does not."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("RAY_AUTH_MODE", "token")
        environ.setenv("RAY_AUTH_TOKEN", "7" * 64)
        with RayCluster(processors=2, environ=ENVIRON) as running:
            yield running


@pytest.fixture(scope="session")
def cluster(machines: RayCluster) -> Iterator[Cluster]:
    with Cluster(machines.address) as joined:
        yield joined
