"""What specs and variants may be called, and variables in the environment."""

from specrun.model.names import usable_name

__all__ = ["ENVIRONMENT_PREFIX", "usable_name"]

ENVIRONMENT_PREFIX = "SPECRUN_VAR_"
