"""The whole of `specrun apply` beside a bare aiohttp loop, against one server, in one run; run by hand.

    python tests/bench/apply.py [--runs 2000] [--latency 0.05] [--rounds 3] [--folder DIR]

A case is a number in flight and a size of image. Ours is the command as a process: every image decoded whole, durable
in the store and the ledger, delivered with its provenance, locked and listed. The peer posts, parses, decodes the
base64 and writes each file once, without a sync. Each is measured from its first request to its end (`phase`; ours
with lock and manifest) and, ours, with start-up and planning (`whole`). Where strace is installed, an apply more
counts the system calls that wait for the disk. Read the ratios, not the figures.

For minutes ext4 makes files slowly where many were deleted, as tests do in the temporary folder: give `--folder` a new
one at the top of the file system, which is put elsewhere on the disk.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

KIB: Final = 1024
TICKS: Final = os.sysconf("SC_CLK_TCK")
SYNCS: Final = "fsync,fdatasync,sync,syncfs,sync_file_range"
CASES: Final = ((64, 32), (500, 32), (64, 1024))


@dataclass(frozen=True, kw_only=True)
class Case:
    """So many runs, so many of them in flight, replies of so many KiB."""

    runs: int
    in_flight: int
    kib: int
    latency: float

    @property
    def ideal(self) -> float:
        return self.in_flight / self.latency


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds on the clock and of the processors: of all, and from the first request to the end."""

    whole: float
    whole_cpu: float
    phase: float
    phase_cpu: float


class Pictures:
    """PNGs of noise, each unlike any other, as replies: only the last chunks vary, so that the server spends little."""

    def __init__(self, kib: int) -> None:
        side = int(((kib * KIB - 300) / 3) ** 0.5)
        rows = b"".join(b"\0" + random.Random(0).randbytes(side * 3) for _ in range(side))
        start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        start += _chunk(b"IDAT", zlib.compress(rows, 0))
        # To a multiple of three bytes, so that base64 can be joined.
        start += _chunk(b"prIv", bytes((-len(start) - 12) % 3))
        self._start = b'{"created":1,"data":[{"b64_json":"' + base64.b64encode(start)
        self._count = 0

    def reply(self) -> bytes:
        self._count += 1
        end = _chunk(b"prIv", struct.pack(">Q", self._count)) + _chunk(b"IEND", b"")
        content = self._start + base64.b64encode(end) + b'"}]}'
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        return head.encode() + content


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class Server(asyncio.Protocol):
    """Answers every POST with a new image after a while."""

    def __init__(self, pictures: Pictures, latency: float) -> None:
        self._pictures = pictures
        self._latency = latency
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(self._buffer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) >= end + 4 + length:
            self._buffer = self._buffer[end + 4 + length :]
            asyncio.get_running_loop().call_later(self._latency, self._answer)

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._pictures.reply())


async def serve(case: Case) -> None:
    pictures = Pictures(case.kib)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(pictures, case.latency), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(case: Case) -> Iterator[str]:
    """Give the base URL of a server in a process of its own."""
    with subprocess.Popen(_myself(case, "--serve"), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        server.terminate()


async def bare(case: Case, base: str, folder: Path) -> None:
    """aiohttp and nothing around it; says when it begins and ends."""
    numbers = iter(range(case.runs))

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = {
                "model": "m",
                "prompt": f"lamp {number}, oil, studio light, high detail",
                "seed": number,
                "steps": 28,
            }
            async with session.post(f"{base}/images/generations", json=body) as response:
                reply = json.loads(await response.read())
            (folder / f"{number}.png").write_bytes(base64.b64decode(reply["data"][0]["b64_json"]))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        print("started", flush=True)
        await asyncio.gather(*(work(session) for _ in range(case.in_flight)))
        print("finished", flush=True)


def peer(case: Case, base: str, folder: Path) -> Took:
    folder.mkdir()
    return timed([*_myself(case, "--peer"), base, str(folder)], folder, "started", "finished")


def ours(case: Case, base: str, folder: Path) -> Took:
    project(case, base, folder)
    took = timed(command(), folder, '"event":"started"', '"event":"finished"')
    made = len(list(folder.glob("outputs/lamps/**/*.png")))
    assert made == case.runs, f"{made} of {case.runs} images"
    return took


def syncs(case: Case, base: str, folder: Path) -> str:
    """Return how often an apply waits for the disk, by strace's count."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    project(case, base, folder)
    log = folder / "strace"
    subprocess.run(
        ["strace", "-f", "-c", "-e", f"trace={SYNCS}", "-o", log, *command()], cwd=folder, check=True, stdout=-3
    )
    # Share of time, seconds, microseconds a call, calls, failed calls where there are any, name.
    lines = [line.split() for line in log.read_text().splitlines() if "sync" in line]
    return ", ".join(f"{int(fields[3]) / case.runs:.2f} {fields[-1]}" for fields in lines) + " a run"


def project(case: Case, base: str, folder: Path) -> None:
    folder.mkdir()
    provider = {"base_url": base, "concurrency": case.in_flight, "allow_private": True}
    (folder / "specrun.yaml").write_text(json.dumps({"providers": {"bench": provider}}))
    job = {
        "model": "black-forest-labs/FLUX.1-dev",
        "prompt": "lamp {{ i }}, oil, studio light, high detail",
        "matrix": {"i": list(range(case.runs))},
    }
    (folder / "lamps.yaml").write_text(json.dumps({"specrun": 1, "provider": "bench", "jobs": {"lamps": job}}))


def command() -> list[str]:
    return [sys.executable, "-m", "specrun", "apply", "--yes", "--json", "lamps.yaml"]


def timed(arguments: list[str], folder: Path, first: str, last: str) -> Took:
    """Run a command whose output says when its requests begin and when all is done."""
    began = time.perf_counter()
    # Its output goes through a pipe that is read at once, as a CI service would; the words are looked for in each line.
    with subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        marks: list[tuple[float, float]] = []
        for line in child.stdout:
            if (first if not marks else last) in line:
                marks.append((time.perf_counter(), _cpu(child.pid)))
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, child.returncode
    (phase_began, cpu_began), (phase_ended, cpu_ended) = marks
    return Took(
        whole=time.perf_counter() - began,
        whole_cpu=used.ru_utime + used.ru_stime,
        phase=phase_ended - phase_began,
        phase_cpu=cpu_ended - cpu_began,
    )


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _myself(case: Case, role: str) -> list[str]:
    numbers = (case.runs, case.in_flight, case.kib, case.latency)
    return [sys.executable, __file__, role, ",".join(map(str, numbers))]


def measure(case: Case, rounds: int, folder: Path, *, count_syncs: bool) -> None:
    """Print a case's table: medians over rounds of one of each."""
    who: dict[str, Callable[[Case, str, Path], Took]] = {"aiohttp": peer, "specrun": ours}
    took: dict[str, list[Took]] = {name: [] for name in who}
    with serving(case) as base:
        for number in range(rounds):
            for name, run in who.items():
                took[name].append(run(case, base, Path(tempfile.mkdtemp(dir=folder)) / f"{name}-{number}"))
        counted = syncs(case, base, Path(tempfile.mkdtemp(dir=folder)) / "syncs") if count_syncs else ""
    print(f"{case.runs} runs of {case.kib} KiB, {case.in_flight} in flight, {case.latency * 1000:g} ms a reply")
    print(f"  {'ideal':8} {case.ideal:6.0f}/s")
    for name, times in took.items():
        rate, cpu, whole, whole_cpu = (
            statistics.median(values)
            for values in (
                [case.runs / each.phase for each in times],
                [each.phase_cpu / case.runs * 1000 for each in times],
                [each.whole for each in times],
                [each.whole_cpu for each in times],
            )
        )
        print(f"  {name:8} {rate:6.0f}/s {cpu:6.2f} ms CPU a run; whole {whole:6.2f} s, {whole_cpu:6.2f} s CPU")
    ratios = [theirs.phase / mine.phase for theirs, mine in zip(took["aiohttp"], took["specrun"], strict=True)]
    print(f"  specrun / aiohttp, pair by pair: {', '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}")
    if counted:
        print(f"  {counted}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", type=lambda text: tuple(map(int, text.split(","))), action="append")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--no-syncs", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="specrun-bench-", dir=options.folder))
    try:
        for in_flight, kib in options.case or CASES:
            runs = options.runs if kib < KIB else options.runs // 5
            case = Case(runs=runs, in_flight=in_flight, kib=kib, latency=options.latency)
            measure(case, options.rounds, folder, count_syncs=not options.no_syncs)
    finally:
        # Not between the rounds: ext4 makes files slowly while it remembers many that were deleted just before.
        shutil.rmtree(folder)


def _case(text: str) -> Case:
    runs, in_flight, kib, latency = text.split(",")
    return Case(runs=int(runs), in_flight=int(in_flight), kib=int(kib), latency=float(latency))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", text]:
            asyncio.run(serve(_case(text)))
        case ["--peer", text, base, folder]:
            asyncio.run(bare(_case(text), base, Path(folder)))
        case _:
            main()
