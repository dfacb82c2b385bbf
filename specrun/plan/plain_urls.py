"""Input URLs that nobody would fetch: plain http, where anyone on the way can change the image."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from specrun.diagnostics import Diagnostic
from specrun.model.inputs import UrlImage
from specrun.model.project import Provider
from specrun.model.run import Run


def plain_urls(runs: Iterable[Run], providers: Mapping[str, Provider]) -> Iterator[Diagnostic]:
    """Yield a fault for each http URL that is yet to be fetched and leads elsewhere than to the provider's own host."""
    told = set()
    for run in runs:
        for image in run.inputs if run.common.inputs else ():
            if not isinstance(image, UrlImage) or image.digest is not None or image.url in told:
                continue
            told.add(image.url)
            if _refused(image.url, providers[run.provider]):
                detail = f"{image.url} would be asked for over http, where anyone on the way can change the image"
                hint = "use https, or download the image and use file(…)"
                yield Diagnostic(summary="input over plain http", detail=detail, span=run.span, hint=hint)


def _refused(url: str, provider: Provider) -> bool:
    if not url.lower().startswith("http:"):
        return False
    from specrun.addresses import is_loopback  # noqa: PLC0415 - brings asyncio, which few plans need

    try:
        host = (urlsplit(url).hostname or "").lower()
        own = (urlsplit(provider.base_url or "").hostname or "").lower()
    except ValueError:
        # What is no URL at all is told of where it is fetched.
        return False
    return host != own and not (provider.allow_private and is_loopback(host))
