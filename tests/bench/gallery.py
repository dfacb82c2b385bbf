"""How a gallery of thousands of images builds and how it feels; run by hand.

    python tests/bench/gallery.py [--images 5000] [--folder DIR]

Makes a project of sandbox pictures in DIR (kept and used again where it is given), then measures: building the page
with no thumbnail made before, building it again, and again after one image changed; in a headless Chromium, seconds
of scripting until the page stands, for a filter, for a search and for another layout; and whether anything jumps
while the page is scrolled from top to bottom.
"""

import argparse
import asyncio
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import CDPSession, Page, sync_playwright

from specrun.canonical import canonical_digest
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import ImageRequest
from specrun.store.blobs import Blobs
from specrun.store.lockfile import write_lock
from specrun.store.manifest import Manifest, ManifestOutput, write_manifest

ANIMALS = [f"animal {number}" for number in range(50)]
STYLES = [f"style {number}" for number in range(10)]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
JUMPS = """new Promise((done) => {
  let shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (shift += entry.value)))
    .observe({type: "layout-shift", buffered: true});
  const main = document.getElementById("main");
  const frames = [];
  let before = performance.now();
  (function step(now = before) {
    frames.push(now - before);
    before = now;
    main.scrollTop += 900;
    if (main.scrollTop + main.clientHeight < main.scrollHeight - 1) requestAnimationFrame(step);
    else done({shift, frames: frames.length, worst: Math.max(...frames)});
  })();
})"""


def pictures() -> list[bytes]:
    """Return some dozens of different pictures, 1024 pixels square."""

    async def draw() -> list[bytes]:
        engine = DrawingEngine()
        requests = [
            ImageRequest(model="bench", params={"prompt": f"{style} of a cat", "seed": number, "size": "1024x1024"})
            for number in range(6)
            for style in ("woodcut", "harbour", "mountain", "portrait", "vase", "city")
        ]
        try:
            return [(await engine.images(request))[0] for request in requests]
        finally:
            await engine.aclose()

    return asyncio.run(draw())


def distinct(data: bytes, number: int) -> bytes:
    """Return a picture as a file that no other number gives."""
    told = PngInfo()
    told.add_text("number", str(number))
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(out, "PNG", pnginfo=told, compress_level=1)
    return out.getvalue()


def make_project(root: Path, images: int) -> None:
    """Write a spec, and lock, manifest and store as an apply would have left them."""
    (root / "specs").mkdir(parents=True)
    (root / "specrun.yaml").write_text("{}\n")
    samples = images // (len(ANIMALS) * len(STYLES))
    matrix = json.dumps({"animal": ANIMALS, "style": STYLES})
    (root / "specs/big.yaml").write_text(
        "specrun: 1\nprovider: sandbox\njobs:\n  zoo:\n    model: black-forest-labs/FLUX.1-dev\n"
        f'    prompt: "{{{{ style }}}} of {{{{ animal }}}}"\n    samples: {samples}\n    matrix: {matrix}\n'
    )
    rows, outputs = {}, []
    blobs = Blobs(root / ".specrun/store")
    drawn = pictures()
    for number, (address, axes) in enumerate(cells(samples)):
        data = distinct(drawn[number % len(drawn)], number)
        row, output = record(address, axes, number, data, blobs.put(data))
        rows[address] = row
        outputs.append(output)
    write_lock(root / "specs/big.lock.json", Lock(spec="specs/big.yaml", name="big", rows=rows))
    manifest = Manifest(spec="specs/big.yaml", name="big", held={}, outputs=tuple(outputs))
    write_manifest(root / "outputs/big", manifest)


def cells(samples: int) -> Iterator[tuple[str, dict[str, str]]]:
    for animal in ANIMALS:
        for style in STYLES:
            for sample in range(1, samples + 1):
                axes = {"animal": animal, "style": style, "sample": str(sample)}
                yield f'zoo[animal="{animal}",style="{style}",sample={sample}]', axes


def record(address: str, axes: dict[str, str], number: int, data: bytes, blob: str) -> tuple[LockRow, ManifestOutput]:
    prompt = (
        f"{axes['style']} of {axes['animal']}, in the soft light of a late afternoon, with great attention to detail"
    )
    params: dict[str, Any] = {
        "prompt": prompt,
        "seed": number,
        "size": "1024x1024",
        "n": 1,
        "steps": 28,
        "guidance_scale": 2.5,
    }
    key = canonical_digest(params)
    path = f"zoo/{number}.png"
    row = LockRow(
        address=address,
        key=key,
        request_digest=key,
        seed=number,
        provider="sandbox",
        model="black-forest-labs/FLUX.1-dev",
        params=params,
        defaults=("n", "steps"),
        revision=1,
        sample=int(axes["sample"]),
        schema_digest=key,
        inputs={},
        outputs=(LockedOutput(index=1, path=path, blob=blob, file=blob),),
    )
    output = ManifestOutput(
        address=address,
        index=1,
        path=path,
        file=blob,
        blob=blob,
        media_type="image/png",
        width=1024,
        height=1024,
        bytes=len(data),
        provider=row.provider,
        model=row.model,
        prompt=prompt,
        params=params,
        seed=number,
        key=key,
        request_digest=key,
        job="zoo",
        axes=axes,
    )
    return row, output


def build(root: Path, *arguments: str) -> float:
    """Return the seconds that `specrun gallery` takes."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "specrun", "gallery", *arguments, "specs/big.yaml"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun


def change_one(root: Path) -> None:
    """Let one image be another, as a `--replace` would."""
    lock, manifest = root / "specs/big.lock.json", root / "outputs/big/manifest.json"
    old = json.loads(manifest.read_text())["outputs"][0]["blob"]
    blobs = Blobs(root / ".specrun/store")
    new = blobs.put(distinct(blobs.read(old), int(time.time())))
    for path in (lock, manifest):
        path.write_text(path.read_text().replace(old, new))


def small_files(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (root / ".specrun/thumbs").rglob("*.webp")}


def busy(session: CDPSession, metric: str) -> float:
    """Return the seconds that the page has spent so far on scripts, layout or everything."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == metric))


def act(page: Page, session: CDPSession, name: str, script: str) -> None:
    """Do something in the page and print what it took until the next frame was there."""
    before = {metric: busy(session, metric) for metric in ("ScriptDuration", "TaskDuration")}
    page.evaluate(f"() => {{ {script} }}")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_timeout(200)
    took = {metric: busy(session, metric) - before[metric] for metric in before}
    print(f"{name:<34}{took['ScriptDuration'] * 1000:7.0f} ms scripting {took['TaskDuration'] * 1000:7.0f} ms in all")


def feel(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        begun = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector(".tile img[src]")
        print(f"{'first images stand after':<34}{(time.perf_counter() - begun) * 1000:7.0f} ms")
        page.wait_for_load_state("load")
        page.wait_for_timeout(500)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"{'first contentful paint':<34}{paint:7.0f} ms")
        scripting, tasks = busy(session, "ScriptDuration") * 1000, busy(session, "TaskDuration") * 1000
        print(f"{'until all is read':<34}{scripting:7.0f} ms scripting {tasks:7.0f} ms in all")
        act(page, session, "layout: grid", "document.querySelector('input[value=plot]').click()")
        act(page, session, "layout: wall", "document.querySelector('input[value=wall]').click()")
        act(
            page,
            session,
            "filter: one style",
            "document.querySelector('[data-facet=style]').click();"
            "document.querySelectorAll('[popover]:popover-open input')[3].click()",
        )
        act(page, session, "filter: none", "document.getElementById('clear').click()")
        typing = "const box = document.getElementById('search'); box.value = 'style 7 animal 4';"
        act(page, session, "search", f"{typing} box.dispatchEvent(new Event('input'))")
        act(page, session, "search: none", "document.getElementById('clear').click()")
        print("scrolled through:", page.evaluate(JUMPS))
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000, help="a multiple of 500")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.folder or Path(scratch) / "project"
        if not root.exists():
            make_project(root, options.images)
        shutil.rmtree(root / ".specrun/thumbs", ignore_errors=True)
        print(f"{'built, no thumbnail made before':<34}{build(root):7.1f} s")
        print(f"{'built again':<34}{build(root):7.1f} s")
        before = small_files(root)
        change_one(root)
        print(f"{'built after one change':<34}{build(root):7.1f} s")
        after = small_files(root)
        touched = sum(before.get(name) != when for name, when in after.items())
        print(f"{'thumbnails touched by it':<34}{touched:7}")
        page = root / "outputs/big.html"
        print(f"{'one file':<34}{page.stat().st_size / 2**20:7.1f} MiB")
        feel(page.as_uri())
        print("\nas a folder")
        print(f"{'built':<34}{build(root, '-o', 'site'):7.1f} s")
        print(f"{'page':<34}{(root / 'site/index.html').stat().st_size / 2**20:7.1f} MiB")
        feel((root / "site/index.html").resolve().as_uri())


if __name__ == "__main__":
    main()
