"""One cause that meets request after request stops an apply before the rest is spent on it; nothing else does."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from applying import FLUX, KEY, QUICK, Applied, Shop, numbered
from fault_server import Behaviour, Exchange, FaultServer, Post, by_prompt, reset
from faults import error, good, images, raw, reset_after_reading, says

from specrun.apply.breaker import Breakers
from specrun.apply.events import RunFailed, RunHeld, Stopping
from specrun.model.lock import State
from specrun.provider.client import ImageClient
from specrun.provider.outcome import Received
from specrun.provider.results import Arrival, Keep

RUNS = 40
KONTEXT = "black-forest-labs/Flux-Kontext-Pro-text2image"


async def silent(exchange: Exchange) -> None:
    """No reply for longer than anybody waits."""
    exchange.bill()
    await asyncio.sleep(60)


def torn(content: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(content[:-20]).decode()}


VAIN: dict[str, tuple[Behaviour, dict[str, Any], str]] = {
    "timeout": (silent, {"timeout": 0.2}, "raise `timeout` of provider faulty in specrun.yaml, now 0.2 s"),
    "lost": (reset_after_reading, {}, "`concurrency` of provider faulty is 8"),
    "404": (error(404, "not_found"), {}, "correct `base_url` of provider faulty, now http://127.0.0.1:"),
    "400": (error(400, "param_error", message="no such size"), {}, "correct what the server rejects"),
    "502": (raw(502, b"<title>no</title>"), {}, "see to the server at http://127."),
    "500": (error(500, "broken"), {"retry_for": 0.1}, "see to the server at http://127.0.0.1:"),
    "429": (error(429, "rate"), {"retry_for": 0.1}, "`rpm` spaces requests out"),
    "no images": (says(200, {"hello": "world"}), {}, "correct `base_url` of provider faulty"),
    "unusable": (images(torn), {}, "before more is paid for"),
}


def applied(root: Path, script: Any, settings: dict[str, Any] | None = None, runs: int = RUNS) -> Applied:
    with FaultServer(script) as server:
        shop = Shop(root, server, settings or {})
        shop.write(shots=numbered(runs))
        return shop.apply()


@pytest.mark.parametrize("name", VAIN)
def test_what_meets_request_after_request_stops_the_apply_which_names_what_ends_it(tmp_path: Path, name: str) -> None:
    behaviour, settings, setting = VAIN[name]
    with FaultServer([behaviour]) as server:
        shop = Shop(tmp_path, server, settings)
        shop.write(shots=numbered(RUNS))
        vain = shop.apply()
        asked = len(server.posts_by_key)
    assert 5 <= asked <= 8
    assert vain.finished.exit_code == 1
    (stopping,) = vain.told(Stopping)
    assert "faulty" in stopping.cause
    assert server.base_url in stopping.cause
    assert setting in stopping.hint
    told = len(vain.told(RunHeld)) + len(vain.told(RunFailed))
    assert (told + vain.finished.not_started, told <= 8) == (RUNS, True)
    # What was not sent is pending, and the next apply goes on with it.
    with FaultServer([good()]) as healed:
        shop = Shop(tmp_path, healed)
        again = shop.apply()
        assert len(healed.posts) == RUNS - len(vain.finished.held)
    assert again.finished.not_started == 0
    assert sorted(again.finished.held) == sorted(vain.finished.held)


def test_a_server_that_nobody_reaches_is_waited_for_once(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server, {"retry_for": 0.2, "concurrency": 1})
        shop.write(shots=numbered(RUNS))
    vain = shop.apply()
    (stopping,) = vain.told(Stopping)
    assert f"no connection to {server.origin.partition('//')[2]}: Connection refused; tried " in stopping.cause
    assert f"check base_url, {server.base_url}, and the network" in stopping.hint
    # Nothing has left for it.
    assert (vain.told(RunFailed), vain.finished.not_started) == ([], RUNS)


def test_a_server_that_is_gone_half_way_is_waited_for_once(tmp_path: Path) -> None:
    class Last(ImageClient):
        """A client whose server ends once it has given the images of one request."""

        async def collect(self, received: Received, keep: Keep | None = None) -> tuple[Arrival, ...]:
            arrivals = await super().collect(received, keep)
            await asyncio.to_thread(server.stop)
            return arrivals

    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server, {"retry_for": 0.2})
        edits = numbered(RUNS, model="black-forest-labs/Flux-Kontext-Pro", params={"image": "{{ output('first') }}"})
        shop.write(first={"model": FLUX, "prompt": "lamp"}, edits=edits)
        gone = shop.apply_plan(
            shop.plan(), clients=lambda provider: Last(provider, environ={"FAULT_KEY": KEY}, backoff=QUICK)
        )
    (stopping,) = gone.told(Stopping)
    assert f"provider faulty at {server.base_url} was not reached within 0.2 s: no connection" in stopping.cause
    failed = len(gone.told(RunFailed))
    assert (gone.finished.made, gone.finished.not_started) == (1, RUNS - failed)
    assert 1 <= failed <= 8


@pytest.mark.parametrize("doomed", [True, False], ids=["a key that is refused", "a server that is not there"])
def test_what_dooms_all_of_a_provider_is_met_once_by_all_specs_of_a_command(tmp_path: Path, doomed: bool) -> None:
    breakers = Breakers()
    with FaultServer([error(401, "auth_error")]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1, "retry_for": 0.2})
        for name in ("shots", "more"):
            shop.write(name, shots=numbered(RUNS))
        if not doomed:
            server.stop()
        ended = [shop.apply_plan(shop.plan(name), breakers=breakers) for name in ("shots", "more")]
    assert len(server.posts) == doomed
    assert [len(each.told(Stopping)) for each in ended] == [1, 1]
    assert len({each.told(Stopping)[0].cause for each in ended}) == 1
    assert [each.finished.not_started for each in ended] == [RUNS - doomed, RUNS]


def test_one_at_a_time_a_handful_is_lost(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(RUNS))
        shop.apply()
        assert len(server.posts) == 5


def test_many_at_once_are_not_sent_before_one_has_succeeded(tmp_path: Path) -> None:
    with FaultServer([silent]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 64, "timeout": 0.5})
        shop.write(shots=numbered(RUNS))
        shop.apply()
        assert len(server.posts) == server.most_in_flight == 8


async def each_its_own(exchange: Exchange) -> None:
    await error(400, "param_error", message=f"{exchange.post.prompt} has too many words")(exchange)


@pytest.mark.parametrize(
    ("script", "state"),
    [([each_its_own], None), ([error(400, "sensitive_check_error")], State.REFUSED)],
    ids=["rejected for reasons of their own", "refused by moderation"],
)
def test_what_is_wrong_with_each_request_alone_stops_no_other(tmp_path: Path, script: Any, state: Any) -> None:
    done = applied(tmp_path, script)
    assert done.finished.not_started == 0
    assert len(done.told(RunFailed)) == (0 if state else RUNS)
    assert {held.state for held in done.told(RunHeld)} == ({state} if state else set())


def test_of_a_model_that_is_lost_no_more_are_sent_while_another_succeeds(tmp_path: Path) -> None:
    async def late(exchange: Exchange) -> None:
        exchange.bill()
        await asyncio.sleep(0.05)
        reset(exchange.writer)

    def script(post: Post) -> Behaviour:
        return late if post.body["model"] == KONTEXT else good()

    with FaultServer(script) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots={"models": [FLUX, KONTEXT], "prompt": "{{ i }}", "matrix": {"i": list(range(RUNS))}})
        done = shop.apply()
    assert done.finished.made == RUNS
    # What was under way when the first was lost may be one accident; what left after that tells that it is none.
    assert len(done.finished.held) <= 2 * 8


async def elsewhere(exchange: Exchange) -> None:
    exchange.bill()
    await exchange.reply(200, {"data": [{"url": f"http://img-{exchange.post.number}.invalid/x.png"}]})


TURNS = [reset_after_reading, *(raw(status, b"") for status in (502, 504, 520, 524)), says(200, []), images(torn)]


async def in_turns(exchange: Exchange) -> None:
    await TURNS[exchange.post.number % len(TURNS)](exchange)


@pytest.mark.parametrize(("behaviour", "most"), [(elsewhere, 8), (in_turns, 10)])
def test_what_is_paid_for_in_vain_ends_however_it_is_worded(tmp_path: Path, behaviour: Behaviour, most: int) -> None:
    done = applied(tmp_path, [behaviour], {"retry_for": 0.2})
    (stopping,) = done.told(Stopping)
    assert 5 <= len(done.finished.held) <= most
    assert ("may have been paid for, and brought no image" in stopping.cause) == (behaviour is in_turns)


async def every_third(exchange: Exchange) -> None:
    await (reset_after_reading if exchange.post.number % 3 else good())(exchange)


def test_losses_with_a_success_between_stop_nothing(tmp_path: Path) -> None:
    done = applied(tmp_path, [every_third], {"concurrency": 1})
    assert done.told(Stopping) == []
    assert (len(done.finished.held), done.finished.made) == (27, 13)


def test_what_one_accident_takes_along_is_one_where_others_had_succeeded(tmp_path: Path) -> None:
    together: list[asyncio.Barrier] = []

    async def accident(exchange: Exchange) -> None:
        if not 8 < exchange.post.number <= 16:
            await good()(exchange)
            return
        together[:] = together or [asyncio.Barrier(8)]
        await together[0].wait()
        await reset_after_reading(exchange)

    done = applied(tmp_path, [accident])
    assert done.told(Stopping) == []
    assert (len(done.finished.held), done.finished.made) == (8, RUNS - 8)


def test_a_server_that_breaks_half_way_is_noticed(tmp_path: Path) -> None:
    done = applied(tmp_path, [good()] * 10 + [reset_after_reading], {"concurrency": 1})
    assert len(done.told(Stopping)) == 1
    assert (done.finished.made, len(done.finished.held), done.finished.not_started) == (10, 5, RUNS - 15)


def test_another_model_goes_on_and_so_does_another_job_where_the_params_of_one_are_rejected(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"slow": [error(404, "not_found")], "bad": [error(400, "size")]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(
            slow=numbered(RUNS, prompt="slow {{ i }}", model=KONTEXT),
            bad=numbered(RUNS, prompt="bad {{ i }}"),
            fine=numbered(RUNS, prompt="fine {{ i }}"),
        )
        done = shop.apply()
    assert {run.address.partition("[")[0] for run in done.told(RunFailed)} == {"slow", "bad"}
    assert done.finished.made == RUNS
    assert [("in job bad" in told.cause, KONTEXT in told.cause) for told in done.told(Stopping)] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_a_cause_that_is_seen_in_many_jobs_of_one_run_each_stops_them_all(tmp_path: Path) -> None:
    jobs: dict[str, Any] = {f"job{i}": {"model": FLUX, "prompt": f"lamp {i}"} for i in range(RUNS)}
    with FaultServer([error(400, "account", message="not allowed here")]) as server:
        shop = Shop(tmp_path, server)
        shop.write(**jobs)
        done = shop.apply()
    assert len(server.posts) <= 8
    assert len(done.told(Stopping)) == 1


def test_another_provider_goes_on(tmp_path: Path) -> None:
    with FaultServer([good()]) as fine, FaultServer([reset_after_reading]) as broken:
        shop = Shop(tmp_path, fine)
        settings = json.loads((tmp_path / "specrun.yaml").read_text())
        settings["providers"]["broken"] = settings["providers"]["faulty"] | {"base_url": broken.base_url}
        (tmp_path / "specrun.yaml").write_text(json.dumps(settings))
        shop.write(shots=numbered(RUNS))
        spec = json.loads((tmp_path / "specs" / "shots.yaml").read_text())
        (tmp_path / "specs" / "lost.yaml").write_text(json.dumps(spec | {"provider": "broken"}))
        assert shop.apply("lost").finished.not_started >= RUNS - 8
        assert shop.apply().finished.exit_code == 0


def test_what_is_made_from_what_was_not_sent_is_not_started_either(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        edit = {"model": "black-forest-labs/Flux-Kontext-Pro", "prompt": "brighter", "matrix": {"i": [30, 31]}}
        shop.write(
            shots=numbered(RUNS),
            edits=edit | {"params": {"image": "{{ output('shots', i=i) }}"}},
        )
        done = shop.apply()
    assert (len(done.finished.held), done.finished.blocked, done.finished.not_started) == (5, (), RUNS - 5 + 2)


def test_retries_of_the_unknown_stop_as_well(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(12))
        while shop.apply().finished.not_started:
            pass
        before = len(server.posts)
        again = shop.apply(retry_unknown=True)
        assert len(server.posts) - before == 5
        assert len(again.told(Stopping)) == 1
        server._script = [good()]
        assert shop.apply(retry_unknown=True).finished.exit_code == 0
