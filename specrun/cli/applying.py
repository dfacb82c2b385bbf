"""Plans applied one after another, each watched while it is, and shown when it is done."""

import asyncio
import gc
import os
from collections.abc import Sequence

from msgspec.structs import replace

from specrun.apply.apply import apply
from specrun.apply.breaker import Breakers
from specrun.apply.events import Event, Finished
from specrun.apply.fetch_inputs import fetch_inputs, urls_of
from specrun.apply.options import ApplyOptions
from specrun.cli.applied import new_images, place_applied, write_gallery
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.apply_outcomes import ApplyOutcomes
from specrun.cli.boundary import DONE
from specrun.cli.catalogue import catalog_of
from specrun.cli.console import complain, note, say
from specrun.cli.gallery_command import gallery_command
from specrun.cli.planning import Planned
from specrun.cli.settling import settle
from specrun.cli.terminal import draw_strip
from specrun.cli.watching import Watch, logging_to, watching
from specrun.cli.wiring import client_factory, client_factory_on, shared_store
from specrun.cluster.start import Cluster
from specrun.diagnostics import SpecrunError
from specrun.plan.make import make_plan
from specrun.report import inert
from specrun.report.event_text import summary


def apply_all(
    planned: Sequence[Planned],
    how: ApplyOptions,
    cluster: Cluster | None,
    outcomes: ApplyOutcomes,
    options: ApplyCommandOptions,
) -> None:
    """Apply plan after plan, so that one that fails does not keep the others; an interruption ends them all."""
    done = []
    breakers = Breakers()
    for each in planned:
        events: list[Event] = []
        try:
            fetched = _with_inputs(each)
            with logging_to(options.log_file) as log:
                finished = _apply(fetched, how, cluster, breakers, events, log, json=options.json)
        except SpecrunError as error:
            outcomes.refused(each.plan.spec, "apply", error)
            continue
        outcomes.applied(fetched.plan, events, finished)
        _show_images(fetched, finished, events, options)
        if finished.interrupted:
            return
        if finished.exit_code == DONE and not options.rehearse:
            done.append(each)
    # Only now, since each apply may add to what all of them share.
    for each in done:
        settle(each)


def _with_inputs(planned: Planned) -> Planned:
    """Fetch the input URLs that nobody has fetched yet, and plan again with what they hold."""
    urls = urls_of((action.run for action in planned.plan.actions if action.run is not None), known=False)
    if not urls:
        return planned
    fetched, faults = asyncio.run(fetch_inputs(urls, planned.project))
    complain(*faults)
    request = replace(planned.request, urls=fetched)
    return replace(planned, plan=make_plan(request, planned.project))


def _apply(
    planned: Planned,
    how: ApplyOptions,
    cluster: Cluster | None,
    breakers: Breakers,
    events: list[Event],
    log: Watch,
    *,
    json: bool,
) -> Finished:
    """Apply one plan; `events` gathers what is told meanwhile, and `log` is told it too."""
    plan, project = planned.plan, planned.project
    catalog = catalog_of(project)
    place = place_applied(planned, rehearse=how.rehearse)
    clients = client_factory(catalog) if cluster is None else client_factory_on(cluster, catalog, place.blobs())
    shared = None if how.rehearse else shared_store(project)
    with watching(plan, json=json) as show:

        def watch(event: Event) -> None:
            events.append(event)
            log(event)
            show(event)

        # The plan lives to the end: the collector need not look through it again and again.
        gc.freeze()
        finished = asyncio.run(apply(plan, project, catalog, clients, how, watch, shared, breakers))
    if not json:
        say("\n".join(("", *summary(finished, os.path.relpath(place.outputs)))))
    return finished


def _show_images(planned: Planned, finished: Finished, events: list[Event], options: ApplyCommandOptions) -> None:
    """Draw the new images where the terminal can, and make or name the gallery."""
    tell = note if options.json else say
    place = place_applied(planned, rehearse=options.rehearse)
    if options.gallery:
        tell(inert.line(f"Gallery: {write_gallery(planned, place)}"))
    elif not options.json and not options.rehearse and (finished.made or finished.delivered or finished.kept):
        tell(inert.line(f"Gallery: {gallery_command(planned.plan.spec, planned.plan.asked.variant)}"))
    if not options.json:
        draw_strip(new_images(events, place.outputs))
