import json
from textwrap import dedent

from specrun.diagnostics import Diagnostic, Severity, Source, Span
from specrun.report.diagnostics import as_github, as_json, as_text, tally
from specrun.report.ink import Ink


def span(line: str, start: int, end: int, *, number: int = 1, name: str = "specs/shots.yaml") -> Span:
    source = Source(name=name, text="\n" * (number - 1) + line + "\n")
    return Span(source=source, line=number, column=start, end_line=number, end_column=end)


def text(string: str) -> str:
    return dedent(string).lstrip("\n")


def test_a_diagnostic_shows_place_reason_source_line_caret_and_fix() -> None:
    diagnostic = Diagnostic(
        summary="unknown parameter",
        detail='FLUX.1-dev takes no "guidence_scale"',
        span=span("      guidence_scale: 4", 7, 21, number=12),
        hint='did you mean "guidance_scale"?',
    )
    assert as_text([diagnostic]) == text("""
        specs/shots.yaml:12:7: error: unknown parameter
          FLUX.1-dev takes no "guidence_scale"
          12 |       guidence_scale: 4
             |       ^^^^^^^^^^^^^^
          hint: did you mean "guidance_scale"?
    """)


def test_a_fault_of_many_runs_is_said_once_with_their_number_and_an_example() -> None:
    diagnostic = Diagnostic(summary="out of range", runs=1200, example="shots[item=X1]")
    assert as_text([diagnostic]) == text("""
        error: out of range
          in 1,200 runs, for example shots[item=X1]
    """)


def test_the_caret_stands_right_after_tabs_and_under_wide_characters() -> None:
    diagnostic = Diagnostic(summary="wrong", span=span("\t猫: 画像生成 犬", 5, 9))
    assert as_text([diagnostic]) == text("""
        specs/shots.yaml:1:5: error: wrong
          1 |     猫: 画像生成 犬
            |         ^^^^^^^^
    """)


def test_a_span_over_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    source = Source(name="a.yaml", text="key: [1,\n  2]\n")
    diagnostic = Diagnostic(summary="wrong", span=Span(source=source, line=1, column=6, end_line=2, end_column=5))
    assert as_text([diagnostic]) == text("""
        a.yaml:1:6: error: wrong
          1 | key: [1,
            |      ^^^
    """)


def test_a_place_past_the_end_of_the_file_shows_no_source_line() -> None:
    diagnostic = Diagnostic(summary="unexpected end", span=span("a: 1", 1, 1, number=1))
    past = Span(source=diagnostic.span.source, line=9, column=1, end_line=9, end_column=1) if diagnostic.span else None
    assert as_text([Diagnostic(summary="unexpected end", span=past)]) == "specs/shots.yaml:9:1: error: unexpected end\n"


def test_a_very_long_line_is_cut_to_what_surrounds_the_caret() -> None:
    line = "x" * 5000 + "HERE" + "y" * 5000
    shown = as_text([Diagnostic(summary="wrong", span=span(line, 5001, 5005))]).splitlines()
    assert shown[1].count("x") == 60
    assert shown[1].startswith("  1 | …x")
    assert shown[1].endswith("y…")
    assert shown[2].index("^^^^") == shown[1].index("HERE")


def test_hostile_text_reaches_the_terminal_as_escapes() -> None:
    nasty = "\x1b]0;owned\x07\u202e"
    diagnostic = Diagnostic(summary=nasty, detail=nasty, span=span(f"a: {nasty}b", 4, 5, name=nasty), hint=nasty)
    shown = as_text([diagnostic])
    assert not set(nasty) & set(shown) - set("]0;owned")
    assert r"a: \x1b]0;owned\x07\u202eb" in shown


def test_colour_appears_only_when_asked_for() -> None:
    diagnostic = Diagnostic(summary="wrong", span=span("a: 1", 1, 2), hint="mend it")
    assert "\x1b[" not in as_text([diagnostic])
    assert "\x1b[31m" in as_text([diagnostic], Ink(colour=True))


def test_json_holds_every_field_that_a_diagnostic_has() -> None:
    diagnostics = [
        Diagnostic(summary="wrong", detail="why", span=span("a: 1", 1, 2), hint="mend it", runs=3, example="job[a=1]"),
        Diagnostic(summary="odd", severity=Severity.WARNING),
    ]
    assert json.loads(as_json(diagnostics)) == {
        "format_version": "1.0",
        "diagnostics": [
            {
                "severity": "error",
                "summary": "wrong",
                "file": "specs/shots.yaml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 2,
                "detail": "why",
                "hint": "mend it",
                "runs": 3,
                "example": "job[a=1]",
            },
            {"severity": "warning", "summary": "odd"},
        ],
    }


def test_github_annotations_name_the_place_and_escape_what_would_end_them() -> None:
    diagnostic = Diagnostic(
        summary="bad: 100%, really",
        detail="first\nsecond 5%",
        span=span("a: 1", 1, 2, number=4, name="specs/a,b.yaml"),
        hint="mend it",
        runs=2,
        example="job[a=1]",
        severity=Severity.WARNING,
    )
    assert as_github([diagnostic]) == (
        "::warning file=specs/a%2Cb.yaml,line=4,col=1,endLine=4,endColumn=2,title=bad%3A 100%25%2C really"
        "::first%0Asecond 5%25%0Ain 2 runs, for example job[a=1]%0Ahint: mend it\n"
    )


def test_a_github_annotation_without_details_repeats_its_summary() -> None:
    assert as_github([Diagnostic(summary="wrong")]) == "::error title=wrong::wrong\n"


def test_the_tally_counts_errors_and_warnings() -> None:
    warning = Diagnostic(summary="odd", severity=Severity.WARNING)
    assert tally([Diagnostic(summary="wrong"), warning, warning]) == "1 error, 2 warnings"


def test_of_very_many_faults_the_first_are_shown_errors_before_warnings_and_the_rest_counted() -> None:
    warnings = [Diagnostic(summary=f"warning {number}", severity=Severity.WARNING) for number in range(60)]
    errors = [Diagnostic(summary=f"error {number}") for number in range(200)]
    found = [*warnings, *errors]
    assert as_text(found).endswith(
        "error: error 199\n\nwarning: too many to show\n  60 warnings more\n  hint: mend the ones above first\n"
    )
    assert len(json.loads(as_json(found * 100))["diagnostics"]) == 201
    assert as_github([*found, *errors]).endswith(
        "::error title=too many to show::200 errors, 60 warnings more%0Ahint: mend the ones above first\n"
    )
    assert as_text(found[:200]) == "\n".join(as_text([each]) for each in found[:200])
    assert tally(found * 100) == "20,000 errors, 6,000 warnings"
