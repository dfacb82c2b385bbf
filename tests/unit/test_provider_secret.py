"""The key shows itself nowhere."""

import base64
import copy
import json
import pickle
import re
from collections.abc import Callable
from urllib.parse import quote

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


FORMS = {
    "upper case": str.upper,
    "lower case": str.lower,
    "for a URL": lambda key: quote(key, safe=""),
    "for a URL, in lower case": lambda key: quote(key, safe="").lower(),
    "every character for a URL": lambda key: "".join(f"%{ord(each):02X}" for each in key),
    "for a URL twice": lambda key: quote(quote(key, safe=""), safe=""),
    "for JSON": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "for JSON within JSON": lambda key: json.dumps(json.dumps("/".join(key.split("/"))).replace("/", "\\/")),
    "for HTML": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "for HTML in hex": lambda key: "".join(f"&#x{ord(each):X};" for each in key),
    "in hex": lambda key: key.encode().hex(),
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "as a user's word": lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    "as a bearer's": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "as a user's name": lambda key: base64.b64encode(f"me{key}:word".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("key", [KEY, "sk-proj-0123456789abcdefghij_KLMNOP", "AKIA?>longer~and-odd"])
def test_a_secret_is_blotted_out_in_every_form(form: Callable[[str], str], key: str) -> None:
    said = f"the key {form(key)} is not known"
    assert re.fullmatch(r'the key "?(\\")?\[secret\](\\")?"? is not known', plain(said, Secret(key)))


@pytest.mark.parametrize("key", ["local", "x", "EMPTY", "results", "localhost", "images/generations", "none"])
def test_a_placeholder_garbles_no_text_and_leaks_nowhere(key: str) -> None:
    secret = api_key(Provider(name="p", base_url="http://localhost:8000/v1", api_key_env="P_KEY"), {"P_KEY": key})
    assert secret is not None
    assert secret.reveal() == key
    said = f"no local results at localhost: none for x, EMPTY {key}"
    assert plain(said, secret) == said
    assert not secret.is_told_by(f"http://localhost:8000/v1/results/{key}?k={key}")


@pytest.mark.parametrize(
    ("key", "url", "told"),
    [
        ("download", "https://cdn.example/downloads/x.png", False),
        ("download", "https://cdn.example/x.png?key=download", True),
        ("download", "https://cdn.example/download/x.png", True),
        ("download", "https://cdn.example/x.png#download", True),
        ("0123456789abcdef", "https://cdn.example/a0123456789abcdefb.png", True),
        ("0123456789abcdef", "https://0123456789ABCDEF.example/x.png", True),
        ("0123456789abcdef", "https://cdn.example/x.png?k=MDEyMzQ1Njc4OWFiY2RlZg", True),
        ("0123456789abcdef", "https://cdn.example/0123456789.png", False),
    ],
)
def test_a_url_tells_a_secret_where_it_is_no_chance(key: str, url: str, told: bool) -> None:
    assert Secret(key).is_told_by(url) is told
