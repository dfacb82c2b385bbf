"""Where the parts meet that must not know each other: the HTTP client and the sandbox's server."""

from collections.abc import Callable
from functools import partial

import httpx

from specrun.catalog.models import Catalog
from specrun.cluster.start import Cluster
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.project import Project, Provider
from specrun.provider.client import ImageClient
from specrun.provider.courier import LocalCourier
from specrun.store.blobs import Blobs
from specrun.store.shared import SharedStore


def client_factory(catalog: Catalog) -> Callable[[Provider], ImageClient]:
    """Return what makes a client for a provider, whose requests leave from this process."""
    return lambda provider: ImageClient(provider, courier=_courier(catalog, provider))


def client_factory_on(cluster: Cluster, catalog: Catalog, store: Blobs) -> Callable[[Provider], ImageClient]:
    """Return what makes a client for a provider, whose requests leave from a cluster; images go to `store`."""

    def client_for(provider: Provider) -> ImageClient:
        # It takes Ray along, which an apply with nothing to ask does without.
        from specrun.cluster.courier import RayCourier  # noqa: PLC0415

        courier = RayCourier(provider, partial(_courier, catalog, provider), cluster, store)
        return ImageClient(provider, courier=courier)

    return client_for


def _courier(catalog: Catalog, provider: Provider) -> LocalCourier:
    """Return who carries for a provider: over sockets, or for the sandbox to its app in this process."""
    if provider.base_url is not None:
        return LocalCourier(provider)
    # Most applies go to a server elsewhere, and start faster without one of their own.
    from specrun.server.app import create_app  # noqa: PLC0415

    # A fault inside the app is answered like a server's, and ends no more than its request.
    return LocalCourier(provider, transport=httpx.ASGITransport(create_app(catalog), raise_app_exceptions=False))


def shared_store(project: Project) -> SharedStore | None:
    """Return the store that a project shares, None where it names none."""
    if project.store is None:
        return None
    # Clients of buckets take a while to import.
    from specrun.store.shared_open import open_shared  # noqa: PLC0415

    return open_shared(project.store)


def writable_store(project: Project) -> SharedStore:
    """Return the store that a project shares; raise `InvalidInputError` where there is none, or it is only read."""
    store = known_store(project)
    if not store.writable:
        hint = "do this where `store.mode` is readwrite"
        raise InvalidInputError(Diagnostic(summary="store that is only read", detail=store.url, hint=hint))
    return store


def known_store(project: Project) -> SharedStore:
    """Return the store that a project shares; raise `InvalidInputError` where there is none."""
    store = shared_store(project)
    if store is None:
        hint = "add `store: {url: s3://bucket/prefix}` to specrun.yaml"
        raise InvalidInputError(Diagnostic(summary="no shared store", detail=f"{project.root} names none", hint=hint))
    return store
