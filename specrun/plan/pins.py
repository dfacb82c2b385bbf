"""What a lock holds still while a spec is expanded: fetched inputs, and the schema defaults of locked runs."""

from collections.abc import Mapping
from typing import Any

from specrun.canonical import canonical
from specrun.model.lock import Lock, LockRow
from specrun.model.project import Provider


class Pins:
    """Pins of one lock, looked up by what a run itself says; without a lock there are none.

    `urls` are digests of input URLs known otherwise; they come before the lock's. `provider` is who asks for them.
    """

    def __init__(
        self, lock: Lock | None, urls: Mapping[str, str] | None = None, provider: Provider | None = None
    ) -> None:
        self.provider = provider
        self._rows = {} if lock is None else lock.rows
        self.urls: dict[str, str] = {
            source: found
            for row in self._rows.values()
            if row.inputs
            for source, found in row.inputs.items()
            if found is not None and source.startswith(("https://", "http://"))
        } | dict(urls or {})
        self._by_contract: dict[tuple[str, str], dict[str, LockRow]] = {}

    def earlier(self, model: str, schema_digest: str) -> Mapping[str, LockRow]:
        """Return the model's rows locked under another contract, by what `explicit_text` says of them."""
        known = (model, schema_digest)
        if known not in self._by_contract:
            self._by_contract[known] = {
                explicit_text(_explicit(row), row.provider, row.revision, row.sample): row
                for row in self._rows.values()
                if row.schema_digest != schema_digest and row.model == model
            }
        return self._by_contract[known]


def explicit_text(params: Mapping[str, Any], provider: str, revision: int, sample: int) -> str:
    """Return what a run says for itself, schema defaults and seed aside, as canonical JSON."""
    return canonical({"params": params, "provider": provider, "revision": revision, "sample": sample})


def _explicit(row: LockRow) -> dict[str, Any]:
    return {name: value for name, value in row.params.items() if name not in row.defaults and name != "seed"}
