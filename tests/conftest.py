"""What holds for all tests."""

import signal

from hypothesis import settings

# The same examples each time, so that a check says something about the change that it is for; elsewhere they differ.
settings.register_profile("repeatable", derandomize=True)


def pytest_configure() -> None:
    """Let what tests start be interrupted, also where they run in the background of a shell, which ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
