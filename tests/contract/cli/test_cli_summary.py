import json
from typing import Any

SPEC = "specs/quickstart.yaml"


def test_a_summary_adds_up_what_was_sent(project: Any) -> None:
    project("apply", "--yes", SPEC)
    out = project("summary", SPEC).out
    assert out.startswith(f"{SPEC}\n")
    assert out.endswith("\n6 requests, 6 images; spent nothing.\n")


def test_a_second_apply_adds_nothing(project: Any) -> None:
    project("apply", "--yes", SPEC)
    (before,) = json.loads(project("summary", "--format", "json", SPEC).out)["specs"]
    project("apply", "--yes", SPEC)
    assert json.loads(project("summary", "--format", "json", SPEC).out)["specs"] == [before]
    assert before["total"]["requests"] == 6


def test_before_the_first_request_a_summary_says_so(project: Any) -> None:
    assert "no request has been sent for it from this machine" in project("summary", SPEC).out
    assert not (project.folder / ".specrun").exists()


def test_the_page_says_the_same_in_charts(project: Any) -> None:
    project("apply", "--yes", SPEC)
    project("summary", "--html", "summary.html", SPEC)
    page = (project.folder / "summary.html").read_text("utf-8")
    assert "Images by model" in page
    assert page.count("<script") == 1
    project("summary", "--html", "empty.html", "--format", "json", SPEC)


def test_a_page_without_any_request_says_so(project: Any) -> None:
    project("summary", "--html", "summary.html", SPEC)
    assert "No request has been sent for this spec" in (project.folder / "summary.html").read_text("utf-8")
