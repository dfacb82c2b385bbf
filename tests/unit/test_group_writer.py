import asyncio
import os
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from specrun.apply.group_writer import Draft, GroupWriter
from specrun.group_write import Write


@dataclass(eq=False)
class Notes:
    """A source that writes one file for each name, and refuses what is named so; `told` is what it heard of."""

    folder: Path
    fault: Exception | None = None
    told: list[str] = field(default_factory=list)
    drafted: list[int] = field(default_factory=list)

    def drafts(self, names: Sequence[str]) -> list[Draft[str] | Exception]:
        self.drafted.append(len(names))
        if self.fault is not None and "draft" in str(self.fault):
            raise self.fault
        return [
            ValueError("refused")
            if name == "refused"
            else Draft(writes=[Write.beside(self.folder / name, name.encode())], result=name)
            for name in names
        ]

    def written(self, names: Sequence[str]) -> None:
        assert all((self.folder / name).read_text() == name for name in names)
        self.told += names
        if self.fault is not None:
            raise self.fault


async def gather(group_writer: GroupWriter, *given: tuple[Notes, str]) -> list[str | BaseException]:
    return await asyncio.gather(*(group_writer.done(source, name) for source, name in given), return_exceptions=True)


def test_what_waits_is_written_together_whoever_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Notes(tmp_path), Notes(tmp_path)
    begun, leave, sync, syncs = threading.Event(), threading.Event(), os.fsync, []

    def fsync(handle: int) -> None:
        begun.set()
        leave.wait()
        syncs.append(handle)
        sync(handle)

    async def story(group_writer: GroupWriter) -> None:
        first = asyncio.create_task(group_writer.done(one, "first"))
        await asyncio.to_thread(begun.wait)
        rest = asyncio.create_task(
            gather(group_writer, *[(source, f"{source is one}{n}") for n in "abc" for source in (one, other)])
        )
        await asyncio.sleep(0)
        leave.set()
        assert await first == "first"
        assert await rest == [f"{source is one}{n}" for n in "abc" for source in (one, other)]

    monkeypatch.setattr(os, "fsync", fsync)
    with closing(GroupWriter()) as group_writer:
        asyncio.run(story(group_writer))
    assert (one.drafted, other.drafted) == ([1, 3], [3])
    # The first file and its folder; then six files, and their folder once.
    assert len(syncs) == 2 + 7


def test_what_cannot_be_drafted_or_written_is_its_own_items_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    good, lost = Notes(tmp_path), Notes(tmp_path / "file")
    with closing(GroupWriter()) as group_writer:
        found = asyncio.run(gather(group_writer, (good, "a"), (good, "refused"), (lost, "b"), (good, "c")))
    assert (found[0], found[3]) == ("a", "c")
    assert isinstance(found[1], ValueError)
    assert isinstance(found[2], NotADirectoryError)
    assert (sorted(good.told), lost.told) == (["a", "c"], [])


@pytest.mark.parametrize("fault", [RuntimeError("no draft"), RuntimeError("not told")])
def test_an_office_that_fails_does_not_keep_another_from_writing(tmp_path: Path, fault: Exception) -> None:
    good, bad = Notes(tmp_path), Notes(tmp_path, fault)
    with closing(GroupWriter()) as group_writer:
        assert asyncio.run(gather(group_writer, (bad, "b"), (good, "a"))) == [fault, "a"]
    assert good.told == ["a"]


def test_closing_waits_for_what_was_given(tmp_path: Path) -> None:
    source, group_writer = Notes(tmp_path), GroupWriter()

    async def give_and_leave() -> None:
        waiting = [asyncio.ensure_future(group_writer.done(source, f"{n}")) for n in range(20)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()

    asyncio.run(give_and_leave())
    group_writer.close()
    group_writer.close()
    assert sorted(source.told, key=int) == [str(n) for n in range(20)]
