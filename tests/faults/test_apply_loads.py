"""Many images under trouble; `loads.py` is the long form."""

import re
import subprocess
import sys
from pathlib import Path

from loads import lost, storm


def test_a_storm_of_429_and_503_costs_less_than_two_requests_an_image(tmp_path: Path) -> None:
    posts, seen = storm(tmp_path, 150)
    assert posts <= 2
    assert seen.waits > 10


def test_lost_replies_are_asked_for_once_and_once_again_when_told_to(tmp_path: Path) -> None:
    lost(tmp_path, 100)


def test_memory_does_not_grow_with_the_number_of_images() -> None:
    # In a process of its own: the system counts the largest child of this one, whichever test it was for.
    script = Path(__file__).with_name("loads.py")
    said = subprocess.run([sys.executable, script, "memory", "150"], capture_output=True, text=True, check=True).stdout
    most = re.search(r"(\d+) MiB at most", said)
    assert most is not None
    assert int(most[1]) < 300
