"""`specrun reproduce` on the command line: verdicts, budgets, the page of pairs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from made import Made, begin


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = begin(tmp_path_factory.mktemp("pristine"))
    made.apply()
    return made


@pytest.fixture
def made(pristine: Made, specrun: Any) -> Any:
    shutil.copytree(pristine.folder, specrun.folder, dirs_exist_ok=True)
    return specrun


def test_on_the_sandbox_all_is_identical_and_the_score_is_kept(made: Any) -> None:
    out = made("reproduce", "--yes", "shots.yaml").out
    assert out.count("identical    ") == 4
    assert "4 runs: 4 identical\n" in out
    assert "black-forest-labs/FLUX.1-dev on sandbox: 100% the same in 3 reproductions so far" in out
    again = made("reproduce", "--yes", "--target", "animals", "shots.yaml").out
    assert "black-forest-labs/FLUX.1-dev on sandbox: 100% the same in 5 reproductions so far" in again


def test_a_locked_image_that_was_swapped_is_caught(made: Any, pristine: Made) -> None:
    lock = made.folder / "shots.lock.json"
    cat, owl = pristine.output("animals[animal=cat]"), pristine.output("animals[animal=owl]")
    lock.write_text(lock.read_text().replace(cat.blob, owl.blob))
    (run,) = json.loads(
        made("reproduce", "--yes", "--target", "animal=cat", "--format", "json", "shots.yaml", code=1).out
    )["runs"]
    assert run["verdict"] == "different"
    assert run["distance"] > 5
    assert run["images"][0]["pixels"] > 0


def test_what_cannot_be_compared_says_why_and_is_no_failure(made: Any) -> None:
    shutil.rmtree(made.folder / ".specrun/store")
    (made.folder / "outputs/shots/animals/owl.png").unlink()
    out = made("reproduce", "--yes", "--target", "animal=owl", "shots.yaml").out
    assert "unverifiable animals[animal=owl]: its image is not on this machine any more" in out


def test_only_a_sample_is_asked(made: Any) -> None:
    assert "1 run: 1 identical" in made("reproduce", "--yes", "--sample", "5%", "shots.yaml").out
    assert "2 runs: 2 identical" in made("reproduce", "--yes", "--sample", "2", "shots.yaml").out
    assert "write 5%, or 20" in made("reproduce", "--yes", "--sample", "some", "shots.yaml", code=64).err


def test_nothing_is_asked_over_budget_or_unasked(made: Any) -> None:
    assert "the limit is 1" in made("reproduce", "--yes", "--max-images", "1", "shots.yaml", code=1).err
    assert "nobody to ask" in made("reproduce", "shots.yaml", code=64).err
    assert not (made.folder / ".specrun/reproduced").exists()


def test_the_page_shows_the_pairs(made: Any) -> None:
    made("reproduce", "--yes", "--html", "again.html", "shots.yaml")
    page = Path(made.folder / "again.html").read_text("utf-8")
    assert "shots, asked again" in page
    assert "this time" in page


def test_before_anything_is_made_there_is_nothing_to_reproduce(specrun: Any) -> None:
    (specrun.folder / "shots.yaml").write_text("specrun: 1\n")
    assert "run `specrun apply shots.yaml` first" in specrun("reproduce", "--yes", "shots.yaml", code=1).err
