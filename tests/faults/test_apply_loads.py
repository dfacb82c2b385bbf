"""Many images under trouble; `loads.py` is the long form."""

from pathlib import Path

from loads import lost, memory, storm


def test_a_storm_of_429_and_503_costs_less_than_two_requests_an_image(tmp_path: Path) -> None:
    posts, seen = storm(tmp_path, 150)
    assert posts <= 2
    assert seen.waits > 10


def test_lost_replies_are_asked_for_once_and_once_again_when_told_to(tmp_path: Path) -> None:
    lost(tmp_path, 100)


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    assert memory(tmp_path, 150) < 300
