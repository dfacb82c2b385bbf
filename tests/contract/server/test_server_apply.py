import json
import os
import subprocess
import sys
from pathlib import Path

from api_server import Start

SPEC = """
specrun: 1
provider: sandbox
models: {kontext: black-forest-labs/Flux-Kontext-Pro}
jobs:
  lamps:
    prompt: "a {{ colour }} lamp"
    model: black-forest-labs/FLUX.1-dev
    matrix: {colour: [red, blue, green]}
    params: {size: 256x256}
  edited:
    prompt: "the same at night"
    model: kontext
    params: {image: "{{ output('lamps', colour='red') }}"}
"""


def apply(folder: Path, settings: str) -> dict[str, bytes]:
    """Return all files that an apply leaves in a fresh project, by path."""
    folder.mkdir()
    (folder / "specrun.yaml").write_text(settings, "utf-8")
    (folder / "shots.yaml").write_text(SPEC, "utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "SPECRUN_DEBUG"}
    command = [sys.executable, "-m", "specrun", "apply", "--yes", "shots.yaml"]
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    kept = (path for path in folder.rglob("*") if path.is_file() and ".specrun" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept if path.name != "specrun.yaml"}


def test_a_spec_gives_the_same_files_on_a_server_as_in_process(tmp_path: Path, start: Start) -> None:
    url = start().url
    inside = apply(tmp_path / "inside", "{}\n")
    served = apply(tmp_path / "served", f"providers: {{sandbox: {{base_url: '{url}/v1'}}}}\n")
    assert len([name for name in inside if name.endswith(".png")]) == 4
    # What it cost is another matter: a server with an address asks for the model's price, as far as a plan can tell.
    manifests = [json.loads(files.pop("outputs/shots/manifest.json"))["outputs"] for files in (inside, served)]
    assert manifests[0] == manifests[1]
    assert served == inside
