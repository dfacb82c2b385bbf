import base64
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, by_prompt, picture
from faults import close_after_reading, error, good, images

SPEC = """\
specrun: 1
provider: shop
jobs:
  dots:
    model: black-forest-labs/FLUX.1-dev
    prompt: "a {{ what }}"
    matrix: {what: [fine, lost, refused, short]}
    params: {size: 256x256, n: 2}
"""
SPEC_FILE = "specs/dots.yaml"
KEY = {"SHOP_KEY": "sk-canary-5d1e"}


def inline(content: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(content).decode()}


@pytest.fixture
def shop(specrun: Any) -> Iterator[tuple[Any, FaultServer]]:
    """A project after an apply that made one run and held three."""
    script = by_prompt(
        {
            "a lost": [close_after_reading, good()],
            "a refused": [error(400, "sensitive_check_error")],
            "a short": [images(inline, count=1)],
        },
        good(),
    )
    with FaultServer(script) as server:
        (specrun.folder / "specs").mkdir()
        (specrun.folder / SPEC_FILE).write_text(SPEC, "utf-8")
        (specrun.folder / "specrun.yaml").write_text(
            f"providers: {{shop: {{base_url: '{server.base_url}', api_key_env: SHOP_KEY, retry_for: 1}}}}\n", "utf-8"
        )
        specrun("apply", "--yes", SPEC_FILE, env=KEY, code=1)
        assert states(specrun.folder) == {"lost": "unknown", "refused": "refused", "short": "partial"}
        yield specrun, server


def states(folder: Path) -> dict[str, str]:
    lock = json.loads((folder / "specs/dots.lock.json").read_text("utf-8"))
    named = {row["address"].removeprefix("dots[what=").rstrip("]"): row for row in lock["runs"]}
    return {name: row["state"] for name, row in named.items() if "state" in row}


def test_show_names_the_command_that_asks_for_a_held_or_lost_run_again(shop: Any) -> None:
    specrun, server = shop
    said = {
        "fine": "--replace dots[what=fine]",
        "lost": "--retry-unknown",
        "short": "--replace dots[what=short]",
        "refused": "--replace dots[what=refused]",
    }
    commands = {name: shlex.split(again(specrun, name)) for name in said}
    for name, leave in said.items():
        assert commands[name] == [*f"specrun apply {leave} --target dots[what={name}]".split(), SPEC_FILE]
        server.posts.clear()
        specrun(*commands[name][1:], "--yes", env=KEY, code=None)
        assert [post.prompt for post in server.posts] == [f"a {name}"]
    for folder in ("outputs", ".specrun/store"):
        shutil.rmtree(specrun.folder / folder)
    assert "--regenerate-lost" in again(specrun, "fine")
    assert specrun(*shlex.split(again(specrun, "fine"))[1:], "--yes", env=KEY).code == 0


def again(specrun: Any, name: str) -> str:
    return str(json.loads(specrun("show", "--format", "json", f"dots[what={name}]").out)["again"])


def test_a_request_that_was_not_billed_is_asked_for_anew(shop: Any) -> None:
    specrun, server = shop
    ended = specrun("resolve", "dots[what=lost]", "--not-billed")
    assert ended.out == "dots[what=lost]: settled; the next apply asks for it anew\n"
    before = len(server.posts)
    specrun("apply", "--yes", "--target", "dots[what=lost]", SPEC_FILE, env=KEY)
    assert len(server.posts) == before + 1
    assert "lost" not in states(specrun.folder)


def test_an_image_given_by_hand_is_delivered_without_a_request(shop: Any) -> None:
    specrun, server = shop
    for name in ("one", "two"):
        (specrun.folder / f"{name}.png").write_bytes(picture(name))
    specrun("resolve", "dots[what=refused]", "--file", "one.png", "--file", "two.png")
    before = len(server.posts)
    specrun("apply", "--yes", "--target", "dots[what=refused]", SPEC_FILE, env=KEY)
    assert len(server.posts) == before
    assert sorted(path.name for path in (specrun.folder / "outputs/dots/dots").glob("refused*")) == [
        "refused-1.png",
        "refused-2.png",
    ]
    assert "refused" not in states(specrun.folder)


@pytest.mark.parametrize("what", ["refused", "short"])
def test_what_is_accepted_is_final_and_never_asked_for_again(shop: Any, what: str) -> None:
    specrun, server = shop
    specrun("resolve", f"dots[what={what}]", "--accept")
    before = len(server.posts)
    for _ in range(2):
        ended = specrun("apply", "--yes", "--target", f"dots[what={what}]", SPEC_FILE, env=KEY)
        assert "Requests: 0.\n" in ended.out
    specrun("lock", SPEC_FILE)
    assert "Nothing to do: 1 keep.\n" in specrun("plan", "--target", f"dots[what={what}]", SPEC_FILE).out
    assert len(server.posts) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dots[what=fine]", "--not-billed"), "it is not held, which this does not settle"),
        (("dots[what=lost]", "--accept"), "it is held as unknown, which this does not settle"),
        (("dots[what=refused]", "--not-billed"), "it is held as refused, which this does not settle"),
        (("dots[what=lost]", "--file", "one.png"), "it asks for 2 images, and 1 are given"),
        (("dots[what=lost]", "--file", SPEC_FILE), "specs/dots.yaml is not a PNG, JPEG, WebP, GIF or AVIF image"),
    ],
)
def test_a_word_that_does_not_fit_settles_nothing(shop: Any, arguments: tuple[str, ...], said: str) -> None:
    specrun, _ = shop
    (specrun.folder / "one.png").write_bytes(picture("one"))
    assert said in specrun("resolve", *arguments, code=1).err
    assert states(specrun.folder) == {"lost": "unknown", "refused": "refused", "short": "partial"}


def test_an_address_that_no_lock_has_is_named_with_what_is_near(shop: Any) -> None:
    specrun, _ = shop
    ended = specrun("resolve", "dots[what=last]", "--not-billed", code=64)
    assert "no lock of this project has dots[what=last]\n  hint: near: dots[what=lost]" in ended.err
    assert "say exactly one of" in specrun("resolve", "dots[what=lost]", code=64).err


def test_the_manifest_says_what_was_spent_and_what_perhaps(shop: Any) -> None:
    specrun, _ = shop
    summary = json.loads((specrun.folder / "outputs/dots/manifest.json").read_text("utf-8"))["summary"]
    money = {name: summary[name] for name in ("spent", "unknown", "wasted", "unpriced")}
    # Two made and one of a short reply; two of the lost reply; and the one that the short reply lacks.
    wanted = {"spent": {"CNY": "0.30"}, "unknown": {"CNY": "0.20"}, "wasted": {"CNY": "0.10"}, "unpriced": 0}
    assert money == wanted
