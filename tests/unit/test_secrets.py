"""Keys that somebody wrote into a file are refused, and in no format of a message."""

from pathlib import Path

import pytest

from specrun.cli.boundary import guarded
from specrun.cli.main import cli
from specrun.secrets import masked, masked_line, names_a_variable

KEY = "zq81-LIVE-77ffe3c2aa"
SPEC = "specrun: 1\nprovider: box\njobs: {p: {model: black-forest-labs/FLUX.1-dev, prompt: x}}\n"
HOST = "providers:\n  box:\n    base_url: https://h.example/v1\n    "

PROJECTS = [
    *(f'providers: {{box: {{base_url: "{url}"}}}}' for url in (f"https://me:{KEY}@h.example/v1", f"http://{KEY}@h/v1")),
    *(
        f'providers: {{box: {{base_url: "https://h.example/v1{end}"}}}}'
        for end in (f"?key={KEY}", f"?{KEY}", f"#{KEY}")
    ),
    f'providers: {{box: {{base_url: "me:{KEY}@h.example/v1"}}}}',
    f'providers: {{box: {{base_url: "https://h.example/v1, api_key: {KEY}}}}}',
    *(
        f"{HOST}{name}: {KEY}"
        for name in ("api_key", "apiKey", "API-KEY", "bearer", "password", "api_key_env", "timeout")
    ),
    *(f"{HOST}api_key{rest}" for rest in (f': "{KEY}', f": [{KEY}]", f": !{KEY}", f": *{KEY}", f" {KEY}")),
    f"{HOST}api_key: >\n      {KEY}\n     - x",
    f"{HOST}headers: {{Authorization: Bearer {KEY}}}",
    f'store: {{url: "https://me:{KEY}@h/c"}}',
    f"provider: {KEY}",
    f"{KEY}",
]


@pytest.mark.parametrize("project", PROJECTS)
def test_a_key_in_a_project_file_is_in_no_message(
    project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specrun.yaml").write_text(project + "\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for format_ in ("text", "json", "github"):
        assert guarded(cli, ["validate", "--format", format_, "s.yaml"]) == 1
        said = capsys.readouterr()
        assert "specrun.yaml" in said.out + said.err
        assert KEY not in said.out + said.err


def test_a_key_in_a_spec_or_a_variable_is_in_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yaml").write_text(SPEC.replace("prompt: x", f"prompt: x, api_key: {KEY}"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for more in ((), ("--var", f"api_key={KEY}: [")):
        assert guarded(cli, ["validate", "s.yaml", *more]) == 1
        assert KEY not in capsys.readouterr().err


def test_what_is_no_secret_is_shown() -> None:
    for line in (
        "    api_key_env: BOX_API_KEY",
        "    base_url: https://h.example/v1",
        "prices: {acme/one-4-0-250828: {CNY: 0.08}}",
        "budget: {images: 100, CNY: 25}",
    ):
        assert masked_line("specrun.yaml", "", line, project=True) == (line, ())
    prompt = '    prompt: "the secret garden, key light, {{ i.title }}"'
    assert masked_line("s.yaml", "", prompt, project=False) == (prompt, ())


def test_secrets_are_told_by_their_shape_anywhere() -> None:
    assert masked("https://me:pw@h/x and sk-0123456789abcdef") == "https://*****@h/x and *******************"
    assert masked("https://h/x?size=3&sig=abc") == "https://h/x?size=3&sig=***"


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("MY_API_KEY", True),
        ("key", True),
        (KEY, False),
        ("sk_live_51Habcdefgh", False),
        ("0f" * 16, False),
        ("", False),
    ],
)
def test_a_key_is_not_taken_for_the_name_of_its_variable(value: str, is_one: bool) -> None:
    assert names_a_variable(value) is is_one
