"""What specs and variants may be called: their locks and folders of outputs are called after them."""

import re

from specrun.model.path_rules import is_device

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


def usable_name(name: str) -> bool:
    """Whether a spec or variant may be called so, on every file system."""
    return bool(_NAME.fullmatch(name)) and not is_device(name) and not name.endswith(".")
