import hashlib
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from specrun.canonical import LARGEST_INTEGER, NotCanonicalError, canonical, canonical_digest, digest

WHOLE = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)


@given(JSON)
def test_canonical_text_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value).decode()
    assert canonical_digest(value) == "sha256:" + hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@given(JSON)
def test_tuples_are_lists(value: Any) -> None:
    assert canonical((value, (value,))) == canonical([value, [value]])


@given(WHOLE)
def test_numbers_count_by_value(number: int) -> None:
    assert canonical(float(number)) == canonical(number)


@given(st.dictionaries(TEXT, SCALARS), st.randoms())
def test_the_order_of_keys_says_nothing(mapping: dict[str, Any], chance: Any) -> None:
    shuffled = list(mapping.items())
    chance.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(mapping)


@given(TEXT)
def test_a_digest_is_that_of_the_utf_8(text: str) -> None:
    assert digest(text) == digest(text.encode()) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, LARGEST_INTEGER + 1, -LARGEST_INTEGER - 1, 10**5000, "\ud800", "a\udfffb"],
    ids=["nan", "infinity", "minus infinity", "2^53", "-2^53", "5000 digits", "high surrogate", "low surrogate"],
)
def test_what_json_does_not_carry_unchanged_is_refused_at_any_depth(value: Any) -> None:
    for nested in (value, [value], {"a": {"b": [value]}}):
        with pytest.raises(NotCanonicalError):
            canonical(nested)


def test_a_key_that_is_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(NotCanonicalError):
        canonical({"\ud800": 1})


def test_a_key_that_is_no_text_is_refused() -> None:
    keyed: Any = {"a": {1: 2}}
    with pytest.raises(NotCanonicalError):
        canonical(keyed)
