"""What specs and variants may be called, and variables in the environment."""

import re

ENVIRONMENT_PREFIX = "SPECRUN_VAR_"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def usable_name(name: str) -> bool:
    """Whether a spec or variant may be called so, on every file system."""
    return bool(_NAME.fullmatch(name)) and not _WINDOWS_DEVICES.fullmatch(name) and not name.endswith(".")
