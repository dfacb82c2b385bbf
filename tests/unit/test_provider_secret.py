"""The key shows itself nowhere."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.diagnostics import InvalidInputError
from specrun.model.project import Provider
from specrun.provider.plain import plain
from specrun.provider.secret import Secret, api_key

KEY = "sk-canary/7f3a9b+="
PROVIDER = Provider(name="p", base_url="https://api.example/v1", api_key_env="P_KEY")


def test_a_secret_prints_as_something_else() -> None:
    secret = Secret(KEY)
    shown = f"{secret} {secret!r} {secret!s} {secret:>40} {[secret]} { ({'key': secret}) }"
    assert "canary" not in shown
    assert secret.reveal() == KEY


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, vars])
def test_a_secret_is_not_stored_or_copied(take: object) -> None:
    assert callable(take)
    with pytest.raises(TypeError):
        take(Secret(KEY))


@given(st.text(), st.text())
def test_a_secret_is_blotted_out_of_any_text(before: str, after: str) -> None:
    assert KEY not in Secret(KEY).hide(before + KEY + after)


@given(st.text(max_size=600))
def test_what_a_server_says_fits_in_one_line(text: str) -> None:
    line = plain(text, None)
    assert line.isprintable()
    assert len(line) <= 300
    assert line == line.strip()


@pytest.mark.parametrize("text", [f"{KEY}\r\n", f"  {KEY}\t"])
def test_spaces_around_a_key_do_not_count(text: str) -> None:
    secret = api_key(PROVIDER, {"P_KEY": text})
    assert secret is not None
    assert secret.reveal() == KEY


def test_a_provider_that_needs_no_key_gets_none() -> None:
    assert api_key(Provider(name="p", base_url=None), {}) is None


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_missing_key_names_its_variable_and_a_way_out(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        api_key(PROVIDER, {"P_KEY": text})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.summary == "no API key"
    assert diagnostic.detail == "provider p reads its key from the environment variable P_KEY, which is not set"
    assert diagnostic.hint == "set P_KEY, or add --rehearse to try the spec on the sandbox, which needs no key"


@pytest.mark.parametrize("text", ["sk a", "sk\nb", "clé", "sk\x1b[0m", "“sk”"])
def test_an_odd_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        api_key(PROVIDER, {"P_KEY": text})
    assert text not in str(caught.value)
    assert "P_KEY" in str(caught.value)
