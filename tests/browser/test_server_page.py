import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, Request, Route, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()

REFUSED = (
    "Failed to load resource: the server responded with a status of 400",
    "Failed to load resource: net::ERR_FAILED",  # as a test lets it fail
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


OWN = {
    "type": "object",
    "properties": {
        "model": {"const": "shop/own #1%"},
        "prompt": {"type": "string"},
        "seed": {"type": "integer", "default": -1},
        "hd": {"type": "boolean", "default": True},
        "wet": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "grade": {"enum": ["a", 1]},
        "size": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project = tmp_path_factory.mktemp("server")
    (project / "specrun.yaml").write_text("{}\n", "utf-8")
    (project / "schemas").mkdir()
    (project / "schemas/own.json").write_text(json.dumps(OWN), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "specrun", "serve", "--port", "0", "--workers", "1"],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    found = re.search(r"http://\S+", process.stderr.readline())
    assert found is not None
    reader = threading.Thread(target=process.stderr.read)
    reader.start()
    yield found[0]
    process.terminate()
    process.wait(timeout=30)
    reader.join()
    process.stderr.close()


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    """The page, which must stay without a complaint in the console and without a request to anywhere else."""
    wrong: list[str] = []

    def watch(request: Request) -> None:
        if request.url.startswith("http") and urlsplit(request.url).netloc != urlsplit(url).netloc:
            wrong.append(request.url)

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda message: None if message.text.startswith(REFUSED) else wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", watch)
        page.goto(url)
        expect(page.locator("#catalogue button")).to_have_count(17)
        yield page
    assert wrong == []


def test_a_prompt_becomes_a_picture(page: Page) -> None:
    page.get_by_label("Prompt").fill("A mountain lake at dusk")
    page.get_by_label("Size").fill("640x512")
    page.get_by_role("button", name="Draw").click()
    picture = page.get_by_role("img", name="A mountain lake at dusk")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [
        640,
        512,
    ]
    expect(page.locator("#health")).to_contain_text("1 image since start")


def test_choosing_a_model_shows_its_parameters(page: Page) -> None:
    page.locator("#model").select_option("black-forest-labs/Flux-Kontext-Pro-text2image")
    expect(page.get_by_label("Aspect ratio")).to_be_visible()
    expect(page.get_by_label("Size")).to_have_count(0)
    page.locator("#catalogue [data-id='stepfun-ai/step1x-edit']").click()
    expect(page.get_by_label("Negative prompt")).to_be_visible()


def test_parameters_of_any_type_can_be_given_or_left_out(page: Page) -> None:
    page.locator("#model").select_option("shop/own #1%")
    page.get_by_label("grade").select_option("1")
    page.get_by_label("tags").fill('["fox", "owl"]')
    page.get_by_label("size").fill("512x512")
    with page.expect_request("**/v1/images/generations") as sent:
        page.get_by_role("button", name="Draw").click()
    expect(page.locator("#images img")).to_be_visible()
    assert sent.value.post_data_json == {
        "model": "shop/own #1%",
        "prompt": "A red lamp on a slate table, morning light",
        "hd": True,
        "grade": 1,
        "tags": ["fox", "owl"],
        "size": "512x512",
    }


def test_a_reference_image_goes_along(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (90, 60), (10, 200, 90)).save(path)
    page.locator("#model").select_option("black-forest-labs/Flux-Kontext-Pro")
    expect(page.get_by_label("Strength")).to_have_count(0)
    page.get_by_label("Reference image").set_input_files(path)
    page.get_by_role("button", name="Draw").click()
    picture = page.locator("#images img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth / image.naturalHeight)") == 1.5


def test_what_the_server_refuses_is_said_on_the_page(page: Page) -> None:
    page.get_by_label("Size").fill("9x9")
    with page.expect_response("**/v1/images/generations"):
        page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("alert")).to_contain_text("size is")


def test_a_prompt_is_shown_and_never_run(page: Page) -> None:
    prompt = "<img src=x onerror=alert(1)>'\"</code>"
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("img", name=prompt)).to_be_visible()
    page.get_by_text("The same request with curl").click()
    expect(page.locator("#curl")).to_contain_text("<img src=x onerror=alert(1)>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    style = page.evaluate(
        "() => (({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))"
    )
    background, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in style)
    assert abs(background - ink) > 180
    assert (background < ink) == (scheme == "dark")


def test_the_page_fits_a_phone_whatever_is_on_it(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Prompt").fill("a" * 300 + " lamp" * 300)
    page.get_by_label("Size").fill("256x256")
    page.get_by_role("button", name="Draw").click()
    expect(page.locator("#images img")).to_be_in_viewport()
    page.get_by_label("Size").fill("9" * 200)
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("alert")).to_contain_text("size is")
    page.get_by_text("The same request with curl").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_copied_command_makes_the_request_that_the_page_makes(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.effect_noise((40, 40), 80).save(path)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    prompt = "it's a lamp, " * 60
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_label("Size").fill("256x256")
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Reference image").set_input_files(path)
    page.get_by_text("The same request with curl").click()
    expect(page.locator("#curl")).to_contain_text("data:image/png;base64,")
    assert len(page.locator("#curl").inner_text()) < len(prompt) + 1000
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Draw").click()
    shown = page.locator("#images img")
    expect(shown).to_be_visible()
    answer = subprocess.run(["bash", "-c", f"{command} --silent"], capture_output=True, check=True, timeout=30)
    url = json.loads(answer.stdout)["data"][0]["url"]
    pictures = [page.request.get(address or "").body() for address in (url, shown.get_attribute("src"))]
    assert pictures[0] == pictures[1]


def test_the_button_counts_while_a_picture_takes_long(page: Page) -> None:
    held: list[Route] = []
    page.route("**/v1/images/generations", lambda route: held.append(route))  # noqa: PLW0108 - playwright wants a function
    page.get_by_label("Prompt").press("Control+Enter")
    expect(page.get_by_role("button", name="Drawing… 1 s")).to_be_disabled()
    held.pop().continue_()
    expect(page.locator("#images img")).to_be_visible()
    expect(page.get_by_role("button", name="Draw", exact=True)).to_be_enabled()


def test_a_server_that_is_gone_is_said_on_the_page(page: Page) -> None:
    page.route("**/v1/images/generations", lambda route: route.abort())
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(page.get_by_role("button", name="Draw", exact=True)).to_be_enabled()


def test_a_complaint_stays_when_the_page_ends_its_start_after_it(page: Page) -> None:
    held: list[Route] = []
    page.route("**/healthz", lambda route: held.append(route))  # noqa: PLW0108 - playwright wants a function
    page.route("**/v1/images/generations", lambda route: route.abort())
    with page.expect_request("**/healthz"):
        page.reload()
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_role("alert")).to_be_visible()
    for route in held:
        route.continue_()
    expect(page.get_by_role("status")).to_contain_text("since start")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
