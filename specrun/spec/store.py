"""What `specrun.yaml` says of the store that a team shares."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from specrun.model.project import StoreSettings
from specrun.spec.nodes import Node
from specrun.spec.reader import Reader
from specrun.urls import url_fault

_EXAMPLE = "as in s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, https://host/path or file:///folder"
_SCHEMES = ("file", "s3", "gs", "az", "http", "https")
_MODES: Mapping[str, bool] = {"readwrite": True, "read": False}


def read_store(read: Reader, node: Node) -> StoreSettings | None:
    """Read `{url: s3://bucket/prefix, mode: read}`; what is only served over HTTP can only be read."""
    fields = read.fields(node, "store", ("url", "mode"))
    if fields is None:
        return None
    url_node, mode_node = fields.get("url"), fields.get("mode")
    if url_node is None:
        read.fail(node, "missing key", "store has no url", _EXAMPLE)
        return None
    url = _url(read, url_node)
    mode = None if mode_node is None else read.text(mode_node, "store.mode")
    if mode_node is not None and mode is not None and mode not in _MODES:
        read.fail(mode_node, "unknown mode", f'store.mode is "{mode}"', f"known: {', '.join(_MODES)}")
        return None
    if url is None:
        return None
    served = url.startswith(("http://", "https://"))
    if served and mode_node is not None and mode == "readwrite":
        read.fail(mode_node, "store that cannot be written", f"{url} can only be read", "say mode: read")
    return StoreSettings(url=url, writable=not served if mode is None else _MODES[mode])


def _url(read: Reader, node: Node) -> str | None:
    url = read.text(node, "store.url")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        read.fail(node, "unusable URL", f"store.url is {url}", _EXAMPLE)
        return None
    if parts.username or parts.password or parts.query or parts.fragment:
        detail = "store.url holds more than an address: a user name, a password or a query"
        read.fail(node, "secret in a file", detail, "credentials belong in the environment, as each service's own")
        return None
    rooted = bool(parts.path.startswith("/")) and not parts.netloc if parts.scheme == "file" else bool(parts.netloc)
    if parts.scheme not in _SCHEMES or not rooted:
        read.fail(node, "unusable URL", f"store.url is {url}", _EXAMPLE)
        return None
    fault = url_fault(url) if parts.scheme in ("http", "https") else ""
    if fault:
        read.fail(node, "unusable URL", f"store.url leads nowhere: {fault}", _EXAMPLE)
        return None
    return url.rstrip("/")
