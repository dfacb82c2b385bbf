"""The command `specrun`, also as `python -m specrun`."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until there is somebody to put it into words, an interruption ends the program as it ends any other.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from specrun.cli.main import run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
