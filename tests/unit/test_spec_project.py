from pathlib import Path

import pytest

from specrun.spec.project import BUILT_IN, load_project


@pytest.mark.parametrize("text", ["", "\n", "# marks the root\n\n"])
def test_a_project_file_without_settings_only_marks_the_root(tmp_path: Path, text: str) -> None:
    (tmp_path / "specrun.yaml").write_text(text, "utf-8")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    project = load_project(tmp_path / "deep" / "down")
    assert project.root == tmp_path.resolve()
    assert project.providers == BUILT_IN
