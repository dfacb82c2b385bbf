from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from specrun.model.run import Price
from specrun.store import ledger_rows
from specrun.store.attempts import AttemptState, Ending, Intent, StoredImage
from specrun.store.ledger_schema import open_for_writing
from specrun.store.manifest import ImageFacts

START = 1_760_000_000
CAUSE = "sensitive_check_error: </script><script>alert(1)</script> \u202eabc"


@pytest.fixture(scope="module")
def page(new_project: Callable[[str, str], Any]) -> Path:
    """Sixty requests over ten days, of two models and two jobs; every tenth is refused."""
    project = new_project("zoo", "specrun: 1\njobs: {}\n")
    connection = open_for_writing(project.root / ".specrun/ledger.db")
    for number in range(60):
        sent = START + number * 4 * 3600
        model, amount = (("acme/fast", "0.10"), ("acme/fine", "0.70"))[number % 2]
        intent = Intent(
            hold="h",
            spec="specs/zoo.yaml",
            address=f"{('shots', 'covers')[number % 3 == 0]}[item={number}]",
            provider="acme",
            model=model,
            request_digest=f"sha256:{number:064x}",
            take=1,
            images=1,
            price=Price(amount=Decimal(amount), currency="CNY"),
        )
        (attempt,) = ledger_rows.insert(connection, [intent], sent)
        ledger_rows.mark_sent(connection, [attempt], sent)
        if number % 10:
            facts = ImageFacts(media_type="image/png", width=8, height=8, bytes=9)
            ledger_rows.mark_arrived(
                connection, [(attempt, [StoredImage(index=1, blob=f"sha256:{number:064x}", facts=facts)])]
            )
            ending = Ending(state=AttemptState.RECEIVED)
        else:
            ending = Ending(state=AttemptState.REFUSED, cause=CAUSE)
        ledger_rows.mark_ended(connection, [(attempt, ending)], sent + number % 7 + 1)
    connection.close()
    project.run("summary", "--html", "summary.html", "specs/zoo.yaml")
    return Path(project.root / "summary.html")


def test_charts_say_what_was_spent_and_on_what(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    models = seen.page.locator("section").filter(has_text="Spent by model, CNY")
    assert models.locator("li").all_inner_texts() == ["acme/fine\n21.00 CNY", "acme/fast\n2.40 CNY"]
    fine, fast = (bar.bounding_box()["width"] for bar in models.locator("rect.made").all())
    assert fast / fine == pytest.approx(2.4 / 21, abs=0.01)
    assert seen.page.locator(".figures dd").all_inner_texts() == ["60", "23.40 CNY"]


def test_charts_say_how_long_requests_took_and_how_they_ended(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    expect(seen.page.get_by_text("1 s to 7 s, median 4 s").first).to_be_visible()
    chart = seen.page.get_by_role("img", name="Requests over time: 60 sent, 0 failed, 6 held")
    expect(chart.locator("g")).to_have_count(40)
    expect(chart.locator("rect.held")).to_have_count(6)


def test_causes_are_texts_that_do_nothing(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    row = seen.page.get_by_role("row").filter(has_text="sensitive_check_error")
    expect(row).to_contain_text("</script><script>alert(1)</script> \\u202eabc")
    assert seen.page.title() == "zoo: summary · specrun"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", ["WIDE", "PHONE"])
def test_screens_hold_the_charts_and_an_audit_passes(
    visit: Callable[..., Any], page: Path, screens: Any, screen: str, dark: bool
) -> None:
    seen = visit(page, screen=screens[screen], dark=dark)
    assert seen.overflow() <= 0
    assert seen.faults() == []
