"""What the README and the language guide show is what happens."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from PIL import Image, ImageChops, ImageStat

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import format_path
from specrun.cli.main import COMMANDS
from specrun.diagnostics import Source
from specrun.model.plan import Verb
from specrun.server.chaos import Trouble
from specrun.server.chaos_file import load_chaos
from specrun.spec.nodes import plain
from specrun.spec.yaml import parse_yaml

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "specs/README.md")
README, GUIDE = ((ROOT / page).read_text("utf-8") for page in PAGES)

INSTALL_AND_RUN = "pip install . && specrun apply --yes specs/quickstart.yaml"
INSTALL_AND_TEST = "pip install -e '.[test]' && pytest"

_FILE = re.compile(r"(?:# |\{# |<!-- )(\S+\.[a-z0-9]+)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is where it stands."""

    page: str
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block holds, where its first line names one."""
        named = _FILE.match(self.text)
        return named[1] if named and self.language == "yaml" else None

    @property
    def commands(self) -> list[str]:
        """The lines to type."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(page: str) -> Iterator[Block]:
    for token in MarkdownIt().parse((ROOT / page).read_text("utf-8")):
        if token.type == "fence" and token.map is not None:
            yield Block(page, token.map[0] + 1, token.info, token.content)


BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.fixture(scope="module")
def played(another_checkout: Any) -> dict[tuple[str, int], str]:
    """How the blocks of commands went, both pages from top to bottom, each in a checkout of its own."""
    found = {}
    for page in PAGES:
        checkout = another_checkout()
        for block in (block for block in BLOCKS if block.page == page):
            if block.file is not None:
                path = checkout.folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, "utf-8")
            if block.language == "console":
                went = (f"$ {command}\n{checkout.run(command, code=None)}" for command in block.commands)
                found[page, block.line] = "".join(went)
    return found


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "console"],
    ids=lambda block: f"{block.page}:{block.line}",
)
def test_commands_print_what_the_page_shows(block: Block, played: dict[tuple[str, int], str]) -> None:
    assert in_order(played[block.page, block.line]) == in_order(block.text)


def in_order(text: str) -> str:
    """Return a text with the lines about images made at once in one order, for they come as they are ready."""
    made = re.compile(r"(?:^made .*\n)+", re.MULTILINE)
    return made.sub(lambda lines: "".join(sorted(lines[0].splitlines(keepends=True))), text)


def test_the_readme_shows_the_quickstart_itself() -> None:
    (shown,) = (block for block in BLOCKS if block.file == "specs/quickstart.yaml")
    assert (ROOT / "specs/quickstart.yaml").read_text("utf-8").endswith(shown.text.removeprefix(f"# {shown.file}"))


def test_every_yaml_block_is_a_whole_file() -> None:
    assert [f"{block.page}:{block.line}" for block in BLOCKS if block.language == "yaml" and block.file is None] == []


def test_every_other_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in BLOCKS} <= {"yaml", "console", "bash"}
    typed = [block.text.strip() for block in BLOCKS if block.language == "bash"]
    assert typed == [INSTALL_AND_RUN, INSTALL_AND_TEST]


def test_the_first_command_makes_the_quickstart(checkout: Any) -> None:
    install, run = INSTALL_AND_RUN.split(" && ")
    assert install == "pip install ."
    assert "6 images made" in checkout.run(run)
    assert (checkout.folder / "specs/quickstart.lock.json").is_file()
    assert (checkout.folder / "outputs/quickstart/manifest.json").is_file()


def test_the_first_picture_is_what_the_quickstart_draws(checkout: Any) -> None:
    checkout.run("specrun apply --yes specs/quickstart.yaml")
    folder = checkout.folder / "outputs/quickstart/animals"
    width, height, gap = 400, 297, 10
    with Image.open(ROOT / ".github/quickstart.png") as sheet:
        for row, animal in enumerate(("red-fox", "barn-owl")):
            for column, style in enumerate(("watercolour", "woodcut", "paper-collage")):
                x, y = column * (width + gap), row * (height + gap)
                with Image.open(folder / f"{animal}-{style}.png") as image:
                    drawn = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
                shown = sheet.convert("RGB").crop((x, y, x + width, y + height))
                assert max(ImageStat.Stat(ImageChops.difference(drawn, shown)).mean) < 1


def test_the_workflow_runs_as_written(checkout: Any) -> None:
    (workflow,) = (block for block in BLOCKS if block.file == ".github/workflows/images.yml")
    document: Any = plain(parse_yaml(Source(name="images.yml", text=workflow.text)))
    lines = [step["run"] for step in document["jobs"]["plan"]["steps"] if "run" in step]
    assert len(workflow.text.splitlines()) == 10
    assert lines[0] == "pip install specrun"
    for line in lines[1:]:
        checkout.run(line)


def test_the_troubles_can_be_rehearsed(tmp_path: Path) -> None:
    (shown,) = (block for block in BLOCKS if block.file == "trouble.yaml")
    path = tmp_path / "trouble.yaml"
    path.write_text(shown.text, "utf-8")
    assert [rule.trouble for rule in load_chaos(path, load_catalog())] == [Trouble.LOST_REPLY, Trouble.STATUS]
    assert {
        trouble.value for trouble in Trouble if trouble is not Trouble.STATUS and trouble.value not in GUIDE
    } == set()


def test_the_ci_script_runs_the_second_command() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    assert re.search(r"pip install -q -e '\.\[test\]' && pytest", script)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("kind", ["spec", "project"])
def test_the_guide_names_every_key(kind: str) -> None:
    schema = json.loads(format_path(kind).read_text("utf-8"))
    keys = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", ())}
    params = schema["$defs"].get("params", {}).get("properties", {})
    assert {key for key in keys - set(params) if not re.search(rf"\b{key}\b", GUIDE)} == set()


def test_the_guide_names_every_action() -> None:
    assert {verb.value for verb in Verb if f"| `{verb.value}` |" not in GUIDE} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_every_command_and_option(name: str, checkout: Any) -> None:
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", checkout.run(f"specrun {name} --help"), re.MULTILINE))
    section = re.search(rf"^\| `{name}\b.*$", GUIDE, re.MULTILINE)
    assert section, f"the table of commands lacks {name}"
    assert {option for option in options - {"--help"} if option not in GUIDE} == set()


def test_the_pages_show_no_command_that_is_not_there() -> None:
    prose = re.sub(r"```.*?```", "", README + GUIDE, flags=re.DOTALL)
    assert set(re.findall(r"`specrun ([a-z]+)", prose)) - set(COMMANDS) == set()
