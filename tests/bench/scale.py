"""Planning, nothing to do, YAML and start-up at scale, beside peers and bare floors: `python tests/bench/scale.py`.

Each row is one run of each side in turn, after a warm-up, as whole processes: the median of their wall seconds, CPU
seconds and peak memory, and the ratio of the medians. `doit` is measured where it is installed.
"""

import argparse
import importlib.util
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# How many items, styles, lights and guidance values cross to how many runs.
SHAPES = {1_000: (50, 5, 2, 2), 10_000: (100, 5, 4, 5), 100_000: (1_000, 5, 4, 5), 1_000_000: (1_000, 20, 10, 5)}

FLOOR = """\
import csv, hashlib, itertools, json, sys, yaml
from jinja2.sandbox import SandboxedEnvironment
spec = yaml.load(open("big.yaml", "rb"), yaml.CSafeLoader)
job = spec["jobs"]["big"]
items = list(csv.DictReader(open("items.csv")))
matrix = job["matrix"]
env = SandboxedEnvironment()
title, text = env.from_string("A {{ item.title }} in "), json.encoder.encode_basestring
titles = [title.render(item=item) for item in items]
steps = {g: str(20 + g) for g in matrix["g"]}
sha, keys = hashlib.sha256, []
for (item, name), style, light, g in itertools.product(
    list(zip(items, titles)), matrix["style"], matrix["light"], matrix["g"]
):
    prompt = text(name + style + ", " + light + " light")
    head = '{"model":"black-forest-labs/FLUX.1-dev","params":{"guidance_scale":' + str(g) + ',"n":1,"prompt":' + prompt
    tail = ',"size":"' + item["size"] + '","steps":' + steps[g] + ',"strength":0.8}'
    seed = int.from_bytes(sha((head + tail + ',"revision":1,"sample":1}').encode()).digest()[:4], "big") >> 1
    recipe = head + ',"seed":' + str(seed) + tail + ',"provider":"sandbox","revision":1}'
    keys.append(sha(recipe.encode()).hexdigest())
print(len(keys))
"""

DODO = """\
from doit.tools import config_changed
DOIT_CONFIG = {{"backend": "dbm"}}
def task_cell():
    for i in range({items}):
        for style in {styles}:
            for light in {lights}:
                for g in range({guidance}):
                    params = {{"prompt": f"A subject {{i}} in {{style}}, {{light}} light", "g": g, "steps": 20 + g}}
                    yield {{
                        "name": f"{{i}}-{{style}}-{{light}}-{{g}}",
                        "actions": [(print, [str(params)])],
                        "targets": [f"out/{{i}}-{{style}}-{{light}}-{{g}}.txt"],
                        "uptodate": [config_changed(params)],
                    }}
"""

# What a command that knows that nothing has moved cannot avoid: finding each output in the lock, and a stat of it.
STATS = """\
import os
found = 0
for line in open("specs/big.lock.json", "rb").read().splitlines():
    if line.startswith(b'{"address"'):
        begin = line.index(b'"path":"') + 8
        os.stat(b"outputs/big/" + line[begin : line.index(b'"', begin)])
        found += 1
print(found)
"""

# What a command that plans anew cannot avoid beside planning: reading each row, and a stat of each output.
ROWS = """
import json, os
rows = [json.loads(row.rstrip(b",\\n")) for row in open("big.lock.json", "rb") if row.startswith(b'{"address"')]
locked = {row["key"] for row in rows}
assert len(locked) == len(keys)
for row in rows:
    os.stat("../outputs/big/" + row["outputs"][0]["path"])
"""


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds of wall and CPU, MiB at its peak."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    """Run the benches that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benches", nargs="*", default=["plan", "noop", "lock", "start", "yaml"])
    parser.add_argument("--runs", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print(f"{'what':<44}{'wall s':>9}{'cpu s':>9}{'MiB':>8}")
    for name in options.benches:
        BENCHES[name](options.runs, options.times)


def plan(sizes: Sequence[int], times: int) -> None:
    """Plan, beside a floor that only evaluates, splices and hashes, and beside doit's listing of as many tasks."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = project(Path(folder), size)
            ours = measured(specrun("plan", "specs/big.yaml"), root, times)
            report(f"plan {size:,}: specrun", ours)
            report(f"plan {size:,}: floor", measured([sys.executable, "-c", FLOOR], root / "specs", times), ours)
            if importlib.util.find_spec("doit"):
                listing = [sys.executable, "-m", "doit", "list", "--all", "--status"]
                report(f"plan {size:,}: doit list", measured(listing, root / "doit", times), ours)
            document = measured(specrun("plan", "--format", "json", "specs/big.yaml"), root, times)
            report(f"plan {size:,}: specrun, as JSON", document)


def noop(sizes: Sequence[int], times: int) -> None:
    """Plan and apply where nothing has moved, where the spec was touched, and where one item has changed."""
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = project(Path(folder), size)
            # In a process of its own: what this one has held in memory, its children seem to have held too.
            with ProcessPoolExecutor(1) as maker:
                maker.submit(made, root).result()
            settled = measured(specrun("plan", "specs/big.yaml"), root, times)
            report(f"nothing moved, {size:,}: specrun", settled)
            report(f"nothing moved, {size:,}: floor", measured([sys.executable, "-c", STATS], root, times), settled)
            (root / "specs" / "big.yaml").touch()
            anew = measured(specrun("plan", "specs/big.yaml"), root, times)
            floor = measured([sys.executable, "-c", FLOOR + ROWS], root / "specs", times)
            report(f"nothing to do, {size:,}: specrun", anew)
            report(f"nothing to do, {size:,}: floor", floor, anew)
            # Each time anew, since an apply writes down what the spec is like then.
            apply = ["sh", "-c", f"touch specs/big.yaml && {shlex.join(specrun('apply', '--yes', 'specs/big.yaml'))}"]
            report(f"nothing to do, {size:,}: specrun, apply", measured(apply, root, times))
            items = root / "specs" / "items.csv"
            items.write_text(items.read_text("utf-8").replace("subject 0,", "another subject,"), "utf-8")
            report(f"an item changed, {size:,}: specrun", measured(specrun("plan", "specs/big.yaml"), root, times))


def start(_sizes: Sequence[int], times: int) -> None:
    """Start, beside an interpreter that imports click: each command in turn, so that all meet the same machine."""
    libraries = "import click, yaml, msgspec, jsonschema_rs, rfc8785"
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder), 1_000)
        subprocess.run(specrun("init", "new"), cwd=root, check=True, capture_output=True)
        shutil.copytree(root / "new", root / "made")
        apply = specrun("apply", "--yes", "specs/quickstart.yaml")
        subprocess.run(apply, cwd=root / "made", check=True, capture_output=True)
        asked = {
            "python -c 'import click'": ([sys.executable, "-c", "import click"], root),
            "python -c 'import' of a plan's libraries": ([sys.executable, "-c", libraries], root),
            "specrun --version": (specrun("--version"), root),
            "specrun --help": (specrun("--help"), root),
            "specrun validate, the quickstart": (specrun("validate", "specs/quickstart.yaml"), root / "new"),
            "specrun plan, the quickstart's first": (specrun("plan", "specs/quickstart.yaml"), root / "new"),
            "specrun plan, the quickstart once made": (specrun("plan", "specs/quickstart.yaml"), root / "made"),
            "specrun apply, the quickstart once made": (apply, root / "made"),
            "specrun plan, where Jinja is needed": (specrun("plan", "specs/jinja.yaml"), root),
        }
        rounds = [{name: once(*command) for name, command in asked.items()} for _ in range(times * 5 + 1)][1:]
        costs = {name: median([each[name] for each in rounds]) for name in asked}
        floor = costs["python -c 'import click'"]
        for name, cost in costs.items():
            print(f"{name:<44}{cost.wall:>9.3f}{cost.cpu:>9.3f}{cost.peak:>8.0f}  {cost.cpu / floor.cpu:.2f} of it")


def yaml(_sizes: Sequence[int], times: int) -> None:
    """Read a spec of 10,000 lines with its places, beside PyYAML's C composer without any of ours."""
    from yaml import CSafeLoader, compose

    from specrun.diagnostics import Source
    from specrun.spec.yaml import parse_yaml

    text = "".join(f"k{line}: {{a: {line}, b: 'x y', c: [1, 2]}}\n" for line in range(10_000))
    ours = statistics.median(timed(lambda: parse_yaml(Source(name="x", text=text))) for _ in range(times))
    theirs = statistics.median(timed(lambda: compose(text, Loader=CSafeLoader)) for _ in range(times))
    print(
        f"{'10,000 lines of YAML: specrun':<44}{ours:>9.3f}\n{'10,000 lines of YAML: C composer':<44}{theirs:>9.3f}"
        f"{'':>17}  ours is {ours / theirs:.2f} times it"
    )


def lock(sizes: Sequence[int], times: int) -> None:
    """Write and read locks."""
    from specrun.store.lockfile import lock_bytes, read_lock  # imported where the rest of the package is needed

    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = project(Path(folder), size)
            made(root)
            path = root / "specs" / "big.lock.json"
            found = read_lock(path)
            assert found is not None
            written = statistics.median(timed(lambda: lock_bytes(found)) for _ in range(times))  # noqa: B023
            read = statistics.median(timed(lambda: read_lock(path)) for _ in range(times))  # noqa: B023
            print(f"{f'lock of {size:,}: encoded':<44}{written:>9.2f}\n{f'lock of {size:,}: read':<44}{read:>9.2f}")


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def project(root: Path, size: int) -> Path:
    """Write a project with a spec of `size` runs: 4 axes, 3 templated params, a CSV file of items."""
    items, styles, lights, guidance = SHAPES[size]
    specs, doit = root / "specs", root / "doit"
    specs.mkdir()
    doit.mkdir()
    (root / "specrun.yaml").write_text("provider: sandbox\n")
    rows = "".join(f"i{number},subject {number},512x{512 + number % 8}\n" for number in range(items))
    (specs / "items.csv").write_text("id,title,size\n" + rows)
    named = [[f"{kind} {number}" for number in range(count)] for kind, count in (("style", styles), ("hour", lights))]
    (specs / "big.yaml").write_text(
        f"specrun: 1\nmax_runs: {size}\njobs:\n  big:\n    model: black-forest-labs/FLUX.1-dev\n    matrix:\n"
        f"      item: \"{{{{ csv('items.csv') }}}}\"\n      style: {json.dumps(named[0])}\n"
        f"      light: {json.dumps(named[1])}\n      g: {list(range(1, guidance + 1))}\n"
        '    params: {guidance_scale: "{{ g }}", steps: "{{ 20 + g }}", size: "{{ item.size }}"}\n'
        '    prompt: "A {{ item.title }} in {{ style }}, {{ light }} light"\n'
    )
    (specs / "jinja.yaml").write_text(
        "specrun: 1\njobs:\n  small:\n    model: black-forest-labs/FLUX.1-dev\n    prompt: a {{ animal | upper }}\n"
        "    matrix: {animal: [fox, owl]}\n"
    )
    (doit / "dodo.py").write_text(DODO.format(items=items, styles=named[0], lights=named[1], guidance=guidance))
    return root


def made(root: Path) -> None:
    """Pretend that all images of the project were made: tiny files, and a lock that names them."""
    from specrun.canonical import digest
    from specrun.model.inputs import recipe_param
    from specrun.model.lock import Lock, LockedOutput, LockRow
    from specrun.model.provenance import ProvenanceMode, Stamp
    from specrun.plan.make import make_plan
    from specrun.plan.request import PlanRequest
    from specrun.spec.project import load_project
    from specrun.store.lockfile import write_lock
    from specrun.store.seen import seen_files

    spec = root / "specs" / "big.yaml"
    runs = [action.run for action in make_plan(PlanRequest(spec=spec), load_project(spec.parent)).actions]
    rows = {}
    stamp = Stamp(mode=ProvenanceMode.EMBED, omit=(), version=1, specrun="0", spec="big")
    for run in runs:
        assert run is not None
        path = root / "outputs" / "big" / run.outputs[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        content = run.address.encode()
        path.write_bytes(content)
        output = LockedOutput(index=1, path=run.outputs[0], blob=digest(b"received " + content), file=digest(content))
        rows[run.address] = LockRow(
            address=run.address,
            key=run.key,
            request_digest=run.key,
            seed=run.seed,
            provider=run.provider,
            model=run.model,
            params={name: recipe_param(value) for name, value in run.params.items()},
            defaults=run.defaults,
            revision=run.revision,
            sample=run.sample,
            schema_digest=run.schema_digest,
            inputs={},
            outputs=(output,),
            provenance=stamp,
        )
    write_lock(root / "specs" / "big.lock.json", Lock(spec="specs/big.yaml", name="big", rows=rows))
    written = {output.path: output.file for row in rows.values() for output in row.outputs}
    seen_files(root / ".specrun", root / "outputs" / "big").remember(written, written)
    head = {"format_version": "1.0", "name": "big", "spec": "specs/big.yaml"}
    manifest = "{\n" + "".join(f"{json.dumps(name)}: {json.dumps(value)},\n" for name, value in head.items())
    (root / "outputs" / "big" / "manifest.json").write_text(manifest + '"outputs": []\n}\n')
    _settle(root, spec)


def _settle(root: Path, spec: Path) -> None:
    """Write down, as an apply would, that nothing is left to do."""
    from specrun.cli.planning import Planned
    from specrun.cli.settling import settle
    from specrun.plan.make import make_plan
    from specrun.plan.request import PlanRequest
    from specrun.spec.project import load_project

    before = Path.cwd()
    os.chdir(root)
    try:
        time.sleep(0.1)  # what was just written must be seen to be older
        request, settings, began = PlanRequest(spec=spec, environment={}), load_project(spec.parent), time.time_ns()
        plan = make_plan(request, settings)
        settle(Planned(plan=plan, project=settings, request=request, began=began))
    finally:
        os.chdir(before)


def specrun(*arguments: str) -> list[str]:
    """Return the command line of the program under measure."""
    return [sys.executable, "-m", "specrun", *arguments]


def measured(command: Sequence[str], folder: Path, times: int) -> Cost:
    """Return the medians of several runs after one that does not count."""
    return median([once(command, folder) for _ in range(times + 1)][1:])


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "peak")))


def once(command: Sequence[str], folder: Path) -> Cost:
    """Run one process and return what it took."""
    # Modules are kept compiled, as those of an installed program are.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(what: str, cost: Cost, ours: Cost | None = None) -> None:
    """Print one row."""
    ratio = "" if ours is None else f"  ours is {ours.wall / cost.wall:.2f} times it, {ours.cpu / cost.cpu:.2f} in CPU"
    print(f"{what:<44}{cost.wall:>9.2f}{cost.cpu:>9.2f}{cost.peak:>8.0f}{ratio}", flush=True)


BENCHES: dict[str, Callable[[Sequence[int], int], None]] = {
    "plan": plan,
    "noop": noop,
    "lock": lock,
    "start": start,
    "yaml": yaml,
}

if __name__ == "__main__":
    main()
