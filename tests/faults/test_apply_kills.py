"""Kills at random instants and at chosen points; `kills.py` is the long form."""

import pytest
from kills import drill


@pytest.mark.parametrize("seed", [11, 12])
def test_a_killed_apply_loses_nothing_and_pays_for_nothing_twice(seed: int) -> None:
    done = drill(6, seed)
    assert done.kills == 6
