"""The ledger opened for those who only read."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from specrun.store.ledger_questions import LedgerView


@contextlib.contextmanager
def view_ledger(path: Path) -> Iterator[LedgerView]:
    """Open the ledger for reading only; nothing on disk changes, also where there is no ledger."""
    if not path.exists():
        yield LedgerView()
        return
    # A first plan has no ledger, and starts faster without SQLite.
    from specrun.store.ledger_read import read_ledger  # noqa: PLC0415

    with read_ledger(path) as ledger:
        yield ledger
