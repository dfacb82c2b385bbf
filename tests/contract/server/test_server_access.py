import pytest
from api_server import FLUX, InProcess

from specrun.catalog.models import Catalog
from specrun.server.app import create_app
from specrun.server.settings import Settings

BODY = {"model": FLUX, "prompt": "a lamp", "size": "256x256"}


@pytest.fixture
def keyed(catalog: Catalog) -> InProcess:
    return InProcess(create_app(catalog, settings=Settings(api_key="s3cret")))


@pytest.mark.parametrize("given", [None, "Bearer wrong", "Bearer ", "Bearer s3cret2", "s3cret", "Basic s3cret"])
def test_without_the_key_nothing_is_made(keyed: InProcess, given: str | None) -> None:
    reply = keyed.generate(BODY, **({} if given is None else {"authorization": given}))
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json()["error"]["type"] == "auth_error"
    assert keyed.get("/v1/models").status_code == 401


def test_with_the_key_images_are_made_and_results_need_none(keyed: InProcess) -> None:
    reply = keyed.generate(BODY, authorization="bearer s3cret")
    assert reply.status_code == 200
    assert keyed.get(reply.json()["data"][0]["url"]).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/openapi.json"])
def test_what_shows_no_ones_work_needs_no_key(keyed: InProcess, path: str) -> None:
    assert keyed.get(path).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8300", 200),
        ("localhost.:8300", 200),
        ("127.0.0.1:8300", 200),
        ("[::1]:8300", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("10.1.2.3", 403),
        ("", 403),
    ],
)
def test_only_names_of_its_own_reach_a_server(catalog: Catalog, host: str, status: int) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(hosts=frozenset({"localhost", "127.0.0.1", "::1"}))))
    assert sandbox.get("/healthz", host=host).status_code == status


def test_a_server_for_others_is_reached_by_any_address_but_not_by_any_name(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(hosts=frozenset({"box"}), addresses=True)))
    statuses = [
        sandbox.get("/healthz", host=host).status_code for host in ("box", "10.1.2.3:80", "[fe80::1]", "evil.example")
    ]
    assert statuses == [200, 200, 200, 403]


def test_pages_of_other_sites_are_given_no_leave(sandbox: InProcess) -> None:
    reply = sandbox.generate(BODY, origin="https://evil.example")
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(sandbox: InProcess) -> None:
    page = sandbox.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in page.text
    assert " style=" not in page.text
