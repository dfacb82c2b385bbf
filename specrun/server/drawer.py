"""A process that draws, so that whoever answers requests need not."""

import multiprocessing
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw

_READY = b""
_SECONDS_TO_GO = 5

# Pictures drawn here keep the program from all else, so not many at once.
_HERE = threading.Semaphore(2)


class Drawer:
    """Draws in a process of its own once that is started and ready, until then and without it where it is asked.

    For one thread at a time, which waits for the picture. That is one step from thread to process and one back: on a
    busy machine every further one, as through an executor of processes, waits for its turn.
    """

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._ready = False
        self._startable = True

    def start(self) -> None:
        """Start the process unless it is there, or cannot be had; does not wait for it."""
        if self._process is not None or not self._startable:
            return
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), name="specrun-drawer", daemon=True)
        try:
            process.start()
        except OSError:
            self._connection.close()
            self._startable = False
        else:
            self._process = process
        finally:
            theirs.close()  # so that the process's end is the connection's

    def draw(self, request: ImageRequest, index: int) -> bytes:
        """Return image `index` (from 1) of a request as a PNG."""
        if self._connection is not None and self._process is not None:
            try:
                if self._ready or self._connection.poll():
                    return self._drawn(self._connection, request, index)
            except (EOFError, OSError):
                # It was killed from outside. One that never came to draw would not do so when started again.
                self._startable = self._ready
                self.close()
        with _HERE:
            return draw(request, index)

    def close(self) -> None:
        """Let the process go."""
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._process.join(_SECONDS_TO_GO)
            self._process.kill()
        self._process, self._connection, self._ready = None, None, False

    def _drawn(self, connection: Connection, request: ImageRequest, index: int) -> bytes:
        if not self._ready:
            connection.recv_bytes()
            self._ready = True
        connection.send((request, index))
        return connection.recv_bytes()


def _serve(connection: Connection) -> None:
    """Draw until the other side is gone; interrupts are the other side's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        connection.send_bytes(_READY)
        while True:
            connection.send_bytes(draw(*connection.recv()))
