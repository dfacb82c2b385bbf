"""The same commit is the same plan, whatever line ends it is checked out with."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.model.plan import Plan, Verb
from specrun.plan.data_files import read_csv, read_lines
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project

FILES: Mapping[str, str] = {
    "specrun.yaml": "# settings\nprovider: sandbox\n",
    "spec.yaml": """\
specrun: 1
prompts:
  file: {file: a.j2}
  inline: |
    one
    two
  text: "{{ text('a.txt') }}"
  lines: "{{ lines('a.txt') | join('/') }}"
  csv: "{{ csv('a.csv')[0].title }}"
  json: "{{ json('a.json').title }}"
  yaml: "{{ yaml('a.yaml').title }}"
  var: "{{ vars.said }}"
vars: {said: x}
jobs:
  all:
    model: black-forest-labs/FLUX.1-dev
    prompts: [file, inline, text, lines, csv, json, yaml, var]
""",
    "a.j2": "one {% if true %}\ntwo{% endif %}\nthree\n",
    "a.txt": "one\n\ntwo\n",
    "a.csv": 'sku,title\nA,"one\ntwo"\n',
    "a.json": '{\n  "title": "one\\r\\ntwo"\n}\n',
    "a.yaml": "title: |\n  one\n  two\n",
    "vars.yaml": "said: |\n  one\n  two\n",
}


def planned(folder: Path, ends: str, *, mark: str = "") -> Plan:
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes((mark + text.replace("\n", ends)).encode())
    request = PlanRequest(spec=folder / "spec.yaml", var_files=(folder / "vars.yaml",), environment={})
    return make_plan(request, load_project(folder))


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_change_no_key_no_digest_and_nothing_a_saved_plan_is_bound_to(ends: str, tmp_path: Path) -> None:
    one, other = planned(tmp_path / "one", "\n"), planned(tmp_path / "other", ends)
    assert {action.verb for action in one.actions} == {Verb.CREATE}
    assert [(action.address, action.key) for action in one.actions] == [
        (action.address, action.key) for action in other.actions
    ]
    assert (one.files, one.vars, one.bound, one.digest) == (other.files, other.vars, other.bound, other.digest)
    assert not any(
        "\r" in str(run.params["prompt"])
        for action in other.actions
        if (run := action.run) is not None and "json" not in run.address
    )


def test_a_byte_order_mark_changes_no_key(tmp_path: Path) -> None:
    one, other = planned(tmp_path / "one", "\n"), planned(tmp_path / "other", "\n", mark="\ufeff")
    assert [action.key for action in one.actions] == [action.key for action in other.actions]


CELLS = st.text(st.sampled_from('ab,"\n \u2028\x85é'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_a_table_comes_back_without_rows_of_nothing_and_knows_its_lines(rows: list[tuple[str, str]]) -> None:
    written = ["a,b", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)]
    table = read_csv("\n".join(written), ",", '"')
    full = [row for row in rows if any(cell.strip() for cell in row)]
    assert [(row["a"], row["b"]) for row in table.rows] == full
    starts = [1 + sum(text.count("\n") + 1 for text in written[: number + 1]) for number in range(len(rows))]
    assert list(table.lines) == [line for line, row in zip(starts, rows, strict=True) if row in full]


def test_separators_that_are_no_line_ends_stay_in_a_line() -> None:
    assert read_lines("a\u2028b\x85c\n\nd") == ["a\u2028b\x85c", "d"]
