"""What is asked of a shared store, tried again where it fails in passing, and told in words where it stays so."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Seconds before each further try. After that the store counts as out of reach, for this object.
PAUSES = (0.25, 0.75, 2.25)
# How many objects in a row may be out of reach before the rest are tried once only.
_PATIENCE = 3


class SharedStoreError(Exception):
    """What a shared store did not do, such as give an image, or take one; `hint` says what to do.

    `gone` is set where trying later cannot help: the store lacks it, or holds something else in its place.
    """

    def __init__(self, cause: str, hint: str, *, gone: bool = False) -> None:
        super().__init__(cause)
        self.hint = hint
        self.gone = gone


class RefusedError(SharedStoreError):
    """Access that the store's owner does not allow."""


class Tries:
    """Tries work on the store at `url` as often as `pauses` allow; `faults` are the exceptions of its client.

    Safe to use from several threads.
    """

    def __init__(self, url: str, faults: tuple[type[Exception], ...], pauses: tuple[float, ...]) -> None:
        self._url = url
        self._faults = faults
        self._pauses = pauses
        self._out_of_reach = 0
        self._counting = threading.Lock()
        self._under_way = 0
        self._hurried = False
        self._abandoned = False

    def hurry(self) -> None:
        """Try nothing again that fails from now on."""
        self._hurried = True

    def abandon(self) -> None:
        """Begin nothing any longer, and believe nothing that is under way: it may have been cut off."""
        with self._counting:
            self._abandoned = True

    @property
    def busy(self) -> bool:
        """Whether any work is under way; once abandoned and idle, it stays so."""
        return self._under_way > 0

    def __call__(self, work: Callable[[], T]) -> T:
        """Do `work`, again after a pause where it fails; a store that stays out of reach is soon given up on.

        Raises `SharedStoreError`, and `FileNotFoundError` as it comes.
        """
        pauses = self._pauses if self._out_of_reach < _PATIENCE else ()
        for pause in (*pauses, None):
            try:
                found = self._once(work)
            except FileNotFoundError:
                self._count(0)
                raise
            except PermissionError as error:
                hint = "check the credentials in the environment, and what the bucket allows them"
                raise RefusedError(f"{self._url} refuses access: {_said(error)}", hint) from error
            except self._faults as error:
                if pause is None or self._hurried:
                    self._count(1)
                    hint = "check the network and the credentials, then try again"
                    raise SharedStoreError(f"{self._url} is out of reach: {_said(error)}", hint) from error
                time.sleep(pause)
            else:
                self._count(0)
                return found
        raise AssertionError("the last try returns or raises")

    def _once(self, work: Callable[[], T]) -> T:
        with self._counting:
            self._check()
            self._under_way += 1
        try:
            return work()
        finally:
            with self._counting:
                self._under_way -= 1
            # Whatever came of it; clients may trip over what was cut off.
            self._check()

    def _check(self) -> None:
        if self._abandoned:
            raise SharedStoreError(f"{self._url} was not waited for", "run the command again")

    def _count(self, more: int) -> None:
        with self._counting:
            self._out_of_reach = self._out_of_reach + 1 if more else 0


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__
