"""All benchmarks, one after another: `python tests/bench [NAME…]`; takes some twenty minutes."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = {path.stem: path for path in sorted(HERE.glob("[!_]*.py"))}


def main() -> None:
    names = sys.argv[1:] or list(SCRIPTS)
    if unknown := [name for name in names if name not in SCRIPTS]:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    ended = {name: _run(name) for name in names}
    sys.exit(", ".join(f"{name} failed" for name, code in ended.items() if code) or 0)


def _run(name: str) -> int:
    print(f"\n== {name}", flush=True)
    return subprocess.run([sys.executable, SCRIPTS[name]], check=False).returncode


if __name__ == "__main__":
    main()
