"""The images of a reply, as the server lists them."""

from collections.abc import Mapping, Sequence
from typing import Any

from specrun.provider.outcome import FailedItem, ImageItem, Item
from specrun.provider.secret import Secret
from specrun.provider.statement import stated_error


def items_of(data: Sequence[Any], secret: Secret | None) -> tuple[Item, ...]:
    """Return one item for each entry of a reply's `data`, in order; the good ones survive bad neighbours."""
    return tuple(_item(entry, secret) for entry in data)


def _item(entry: Any, secret: Secret | None) -> Item:
    if not isinstance(entry, Mapping):
        return FailedItem(cause="the server listed something that is not an image")
    encoded, url = _text(entry.get("b64_json")), _text(entry.get("url"))
    if url and url[:5].lower() == "data:":
        encoded, url = encoded or url, None
    if url and secret and secret.is_in(url):
        # Fetching it would show the key to whoever serves it, and recording it would store the key.
        return FailedItem(cause="the server gave a URL that holds the API key")
    if encoded or url:
        return ImageItem(encoded=encoded, url=url)
    error = stated_error(entry, secret)
    if error is None:
        return FailedItem(cause="the server gave neither a URL nor an image")
    return FailedItem(cause=f"the server said {error}", refused=error.refusal)


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
