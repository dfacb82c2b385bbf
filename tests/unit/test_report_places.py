from pathlib import Path

import pytest

from specrun.report.junit import Case, as_junit
from specrun.report.places import path_told, without_places

ROOT = Path("/srv/shop")
HERE = "a file on the machine that made it"


@pytest.mark.parametrize(
    ("told", "published"),
    [
        ("0 of 1 images; put aside: /srv/shop/.specrun/quarantine/ab/cd01", f"0 of 1 images; put aside: {HERE}"),
        ("cannot write '/srv/shop/outputs/a.png': full", "cannot write 'outputs/a.png': full"),
        ("/srv/shop is full, /srv/shop/ too", ". is full, . too"),
        ("/srv/shop/specs/a.yaml:3:1: no", "specs/a.yaml:3:1: no"),
        ("/srv/shop-2/a.png, /mnt/srv/shop/a.png", "/srv/shop-2/a.png, /mnt/srv/shop/a.png"),
        ("no answer from https://example.com/srv/shop/a.png", "no answer from https://example.com/srv/shop/a.png"),
        ("404: no route /v1/images/generations", "404: no route /v1/images/generations"),
    ],
)
def test_a_published_text_names_files_from_the_projects_folder_or_not_at_all(told: str, published: str) -> None:
    assert without_places(told, ROOT) == published


def test_homes_and_temporary_folders_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr("tempfile.tempdir", "/var/tmp")
    told = "its bytes are in /var/tmp/specrun-rescued-x1; see /home/ada/notes"
    assert without_places(told, ROOT) == f"its bytes are in {HERE}; see {HERE}"


def test_a_project_in_somebodys_home_is_told_apart_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv")
    assert without_places("/srv/shop/a.png /srv/b.png", ROOT) == f"a.png {HERE}"


def test_an_absolute_path_is_told_from_the_working_folder_or_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = [path_told(path) for path in ("../a.yaml", "HEAD~1", f"{tmp_path}/specs/a.yaml", "/srv/shop/a.yaml")]
    assert told == ["../a.yaml", "HEAD~1", "specs/a.yaml", "a.yaml"]


def test_test_results_do_not_say_where_the_project_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = Case(name="a", failure=f"failed: {tmp_path}/specs/a.yaml", kind="error", detail=f"see {tmp_path}/.specrun/x")
    told = as_junit([(f"{tmp_path}/s.yaml", [case])])
    assert str(tmp_path) not in told
    assert 'message="failed: specs/a.yaml"' in told
