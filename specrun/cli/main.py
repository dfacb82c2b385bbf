"""The `specrun` command."""


def run() -> None:
    """Run the command line."""
