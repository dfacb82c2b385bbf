import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from specrun.model.plan import Plan, Verb
from specrun.report.plan_graph import as_dot, as_mermaid


def chain(make: Any) -> Plan:
    shots = [make.run("shots", {"item": f"X{i}", "sample": str(s)}) for i in range(3) for s in (1, 2)]
    posters = [make.run("poster", {"shot": run.address}, needs=run.address) for run in shots]
    plan: Plan = make.plan(*(make.action(Verb.CREATE, run) for run in (*shots, *posters)))
    return plan


def test_dot_folds_jobs_to_their_axes_and_draws_what_needs_what(make: Any) -> None:
    assert as_dot([chain(make)]) == (
        "digraph specrun {\n"
        "  rankdir=LR;\n"
        '  node [shape=box, fontname="sans-serif"];\n'
        '  job1 [label="shots\\n6 runs\\nitem 3, sample 2\\n6 create"];\n'
        '  job2 [label="poster\\n6 runs\\nshot 6\\n6 create"];\n'
        "  job1 -> job2;\n"
        "}\n"
    )


def test_mermaid_folds_jobs_to_their_axes_and_draws_what_needs_what(make: Any) -> None:
    assert as_mermaid([chain(make)]) == (
        "flowchart LR\n"
        '  job1["shots<br/>6 runs<br/>item 3, sample 2<br/>6 create"]\n'
        '  job2["poster<br/>6 runs<br/>shot 6<br/>6 create"]\n'
        "  job1 --> job2\n"
    )


def test_several_specs_share_one_graph_under_their_names(make: Any) -> None:
    graph = as_dot([chain(make), make.plan(make.action(Verb.KEEP, make.run("shots")), name="other")])
    assert 'job1 [label="shots: shots\\n' in graph
    assert 'job3 [label="other: shots\\n1 run\\n1 keep"]' in graph


def test_a_job_whose_upstream_is_not_in_the_plan_stands_alone(make: Any) -> None:
    plan = make.plan(make.action(Verb.CREATE, make.run("poster", needs="shots[item=X1]")))
    assert "->" not in as_dot([plan])


@given(st.text(st.characters(exclude_categories=()), max_size=40) | st.text('"\\<>;`#&\n[](){}', max_size=20))
def test_a_name_cannot_leave_its_label(make: Any, name: str) -> None:
    plan = make.plan(make.action(Verb.CREATE, make.run(name)))
    dot, mermaid = as_dot([plan]).splitlines(), as_mermaid([plan]).splitlines()
    assert len(dot) == 5
    assert re.fullmatch(r'  job1 \[label="(?:[^"\\]|\\.)*"\];', dot[3])
    assert len(mermaid) == 2
    assert re.fullmatch(r'  job1\["(?:[^"<>`\\]|<br/>)*"\]', mermaid[1])
