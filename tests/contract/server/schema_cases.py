"""Requests made up from the server's own description: `python tests/contract/server/schema_cases.py URL [EXAMPLES]`."""

import subprocess
import sys

# A body can be as described and still name an image that cannot be had, so not all that is described is accepted.
_CHECKS = ("--checks", "all", "--exclude-checks", "positive_data_acceptance")


def ask_all(url: str, examples: int) -> subprocess.CompletedProcess[str]:
    """Let schemathesis ask a server, `examples` times an operation and phase; it ends with 0 if nothing was found."""
    fixed = ("--seed", "1", "--generation-database", "none", "--no-color", "--phases", "examples,coverage,fuzzing")
    command = ("run", f"{url}/openapi.json", "--max-examples", str(examples), *fixed, *_CHECKS)
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )


if __name__ == "__main__":
    ended = ask_all(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 700)
    print(ended.stdout + ended.stderr)
    sys.exit(ended.returncode)
