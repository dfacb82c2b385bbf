"""Pages of a project, opened from the disk in a headless Chromium that must stay silent and offline."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it brings no types
from playwright.sync_api import Browser, Locator, Page, Request, ViewportSize, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()
WIDE, LAPTOP, PHONE = (
    ViewportSize(width=width, height=height) for width, height in ((1920, 1080), (1280, 800), (375, 812))
)

ZOO = """\
specrun: 1
provider: sandbox
models:
  dev: {id: black-forest-labs/FLUX.1-dev, params: {size: 320x256}}
jobs:
  zoo:
    model: dev
    prompt: a {{ style }} of {{ animal }}
    samples: 2
    matrix:
      animal: [a fox, an owl, a hedgehog]
      style: [woodcut, watercolour]
    overrides:
      - match: {style: woodcut}
        params: {guidance_scale: 6}
"""


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own."""

    root: Path

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run specrun and return what it printed."""
        dropped = ("NO_COLOR", "FORCE_COLOR", "GITHUB_", "SPECRUN_", "CI")
        ended = subprocess.run(
            [sys.executable, "-m", "specrun", *arguments],
            cwd=self.root,
            env={name: value for name, value in os.environ.items() if not name.startswith(dropped)},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert ended.returncode == code, ended
        return ended.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where a file says `old`."""
        path = self.root / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), "utf-8")


@dataclass
class Visit:
    """A page that someone looks at, and everything it complained about or asked for."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    @property
    def tiles(self) -> Locator:
        """The tiles on the page."""
        return self.page.locator(".tile")

    @property
    def box(self) -> Locator:
        """The large view of one image."""
        return self.page.locator("#lightbox")

    @property
    def labels(self) -> list[str]:
        """The first lines of all captions."""
        return self.page.locator(".tile .caption > b").all_inner_texts()

    @property
    def hash(self) -> str:
        """What the address says after its #."""
        return str(self.page.evaluate("location.hash"))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, facet: str, *values: str) -> None:
        """Let only these values of a facet through; on a phone the controls are opened for it."""
        view = self.page.get_by_role("button", name="View")
        if view.is_visible() and view.get_attribute("aria-expanded") == "false":
            view.click()
        self.page.locator(f"button[data-facet='{facet}']").click()
        for value in values:
            self.page.get_by_role("group", name=f"Only these of {facet}").get_by_label(value, exact=True).check()
        self.press("Escape")

    def picture(self, image: Locator) -> tuple[int, int]:
        """Wait until an image is there, and return its own size."""
        expect(image).to_have_attribute("src", re.compile(".+"))
        width, height = image.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])")
        return width, height

    def faults(self) -> list[str]:
        """Return what an audit finds that keeps people with disabilities out."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes']}" for each in found if each["impact"] in {"serious", "critical"}]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Project]:
    """Make a project with one spec."""

    def make(name: str, spec: str) -> Project:
        root = tmp_path_factory.mktemp(name)
        (root / "specs").mkdir()
        (root / "specrun.yaml").write_text("{}\n", "utf-8")
        (root / f"specs/{name}.yaml").write_text(spec, "utf-8")
        return Project(root)

    return make


@pytest.fixture(scope="session")
def zoo(new_project: Callable[[str, str], Project]) -> Project:
    """Twelve images: three animals in two styles, two of each. Tests leave it as it is."""
    project = new_project("zoo", ZOO)
    project.run("apply", "--yes", "--gallery", "specs/zoo.yaml")
    return project


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open a page from the disk; it must complain of nothing and ask for nothing but files beside it."""
    visits: list[Visit] = []

    def go(path: Path, view: str = "", *, screen: ViewportSize = LAPTOP, dark: bool = False) -> Visit:
        context = browser.new_context(viewport=screen, color_scheme="dark" if dark else "light")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit = Visit(context.new_page())
        visits.append(visit)

        def watch(request: Request) -> None:
            if not request.url.startswith(("data:", "file:")):
                visit.wrong.append(request.url)

        visit.page.on("console", lambda message: visit.wrong.append(message.text))
        visit.page.on("pageerror", lambda error: visit.wrong.append(str(error)))
        visit.page.on("request", watch)
        visit.page.goto(f"{path.as_uri()}{view}")
        return visit

    yield go
    for each in visits:
        assert each.wrong == []
        each.page.context.close()


@pytest.fixture(scope="session")
def screens() -> dict[str, ViewportSize]:
    return {"WIDE": WIDE, "LAPTOP": LAPTOP, "PHONE": PHONE}
