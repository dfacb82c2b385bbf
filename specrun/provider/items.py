"""The images of a reply, as the server lists them."""

from collections.abc import Mapping, Sequence
from typing import Any

from specrun.model.project import Provider
from specrun.provider.endpoint import endpoint
from specrun.provider.outcome import FailedItem, ImageItem, Item
from specrun.provider.place import PlaceError
from specrun.provider.secret import Secret
from specrun.provider.statement import stated_error


def items_of(data: Sequence[Any], provider: Provider, secret: Secret | None) -> tuple[Item, ...]:
    """Return one item for each entry of a reply's `data`, in order; the good ones survive bad neighbours."""
    return tuple(_item(entry, provider, secret) for entry in data)


def _item(entry: Any, provider: Provider, secret: Secret | None) -> Item:
    if not isinstance(entry, Mapping):
        return FailedItem(cause="the server listed something that is not an image")
    encoded, url = _text(entry.get("b64_json")), _text(entry.get("url"))
    if url and url[:5].lower() == "data:":
        encoded, url = encoded or url, None
    if url and secret and secret.is_told_by(url):
        if encoded or _is_own(url, provider):
            # The provider knows its key, so it may be asked; recording the URL would store the key.
            return ImageItem(encoded=encoded, url=None if encoded else url, told=True)
        # Fetching it would show the key to whoever serves it.
        return FailedItem(cause="the server gave a URL at another server that holds the API key")
    if encoded or url:
        return ImageItem(encoded=encoded, url=url)
    error = stated_error(entry, secret)
    if error is None:
        return FailedItem(cause="the server gave neither a URL nor an image")
    return FailedItem(cause=f"the server said {error}", refused=error.refusal)


def _is_own(url: str, provider: Provider) -> bool:
    own = endpoint(provider)
    try:
        return own.join(url).origin == own.origin
    except PlaceError:
        return False


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
