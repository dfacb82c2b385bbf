"""Results as JUnit XML, which CI services show beside tests."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import msgspec

from specrun.diagnostics import Diagnostic
from specrun.report import inert
from specrun.report.places import path_told, without_places


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One test: passed where `failure` is empty; `kind` is the failure's type."""

    name: str
    failure: str = ""
    kind: str = ""
    detail: str = ""


def fault_cases(name: str, diagnostics: Sequence[Diagnostic]) -> list[Case]:
    """Return a failed test for each reason why a spec got no further; `name` says in which step."""
    return [failed_case(name, diagnostic, "error") for diagnostic in diagnostics]


def failed_case(name: str, wrong: Diagnostic, kind: str) -> Case:
    """Return a failed test with what is wrong."""
    fix = f"fix: {wrong.hint}" if wrong.hint else ""
    return Case(name=name, failure=f"{wrong.summary}: {wrong.detail}", kind=kind, detail=fix)


def as_junit(suites: Sequence[tuple[str, Sequence[Case]]]) -> str:
    """Return one XML document with a suite for each name."""
    root = ET.Element("testsuites")
    for path, cases in suites:
        name = path_told(path)
        failures = sum(bool(case.failure) for case in cases)
        suite = ET.SubElement(
            root, "testsuite", name=inert.line(name), tests=str(len(cases)), failures=str(failures), errors="0"
        )
        for case in cases:
            element = ET.SubElement(suite, "testcase", classname=inert.line(name), name=inert.line(case.name))
            if case.failure:
                failed = ET.SubElement(element, "failure", message=_told(case.failure), type=case.kind)
                failed.text = _told(case.detail)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _told(text: str) -> str:
    # CI keeps results where many can read them.
    return inert.line(without_places(text))
