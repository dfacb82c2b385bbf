"""`POST /v1/images/generations`, from the request to the reply."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from specrun.canonical import digest
from specrun.catalog.models import Catalog
from specrun.server.access_log import NOTES
from specrun.server.asked import read_asked
from specrun.server.body import parse_object, read_body, require_json
from specrun.server.broken import BrokenOff
from specrun.server.chaos import Chaos, Rule, Trouble
from specrun.server.errors import ApiError
from specrun.server.idempotency import Answers, idempotency_key
from specrun.server.making import Maker
from specrun.server.pace import Latency, RateLimit
from specrun.server.settings import Settings

_JSON = "application/json"
_HALF = 0.5


class Generations:
    """The endpoint; one a server."""

    def __init__(self, *, catalog: Catalog, maker: Maker, settings: Settings) -> None:
        self._catalog = catalog
        self._maker = maker
        self._body_bytes = settings.body_bytes
        self._answers = Answers()
        self._rate_limit = RateLimit(settings.requests_per_minute)
        self._latency = Latency(*settings.latency)
        self._chaos = Chaos(settings.chaos)

    async def answer(self, request: Request) -> Response:
        """Answer one request; raises `ApiError` for one that is not served."""
        require_json(request)
        key = idempotency_key(request)
        self._rate_limit.take()
        data = await read_body(request, self._body_bytes)
        asked = read_asked(self._catalog, parse_object(data))
        notes = request.scope.get(NOTES, {})
        notes["model"] = asked.model.id
        rule = self._chaos.strike(asked.body)
        if rule is not None:
            notes["chaos"] = rule.trouble.value
        await self._latency.wait()
        if rule is not None:
            _refuse(rule)
        trouble = rule.trouble if rule is not None else None
        base = str(request.url_for("result", name="_")).removesuffix("_")

        async def work() -> bytes:
            made = await self._maker.make(asked, base, trouble)
            notes["billed"] = made.billed
            return made.answer

        answer = await self._answers.once(key, digest(data), work)
        match trouble:
            case Trouble.LOST_REPLY:
                return BrokenOff(answer, share=0, media_type=_JSON)
            case Trouble.TRUNCATED:
                return BrokenOff(answer, share=_HALF, media_type=_JSON)
            case _:
                return Response(answer, media_type=_JSON)


def _refuse(rule: Rule) -> None:
    """Raise the `ApiError` of a rehearsed trouble that keeps images from being made."""
    if rule.trouble is Trouble.MODERATION:
        raise ApiError("the prompt was refused (rehearsed)", code="sensitive_check_error")
    if rule.trouble is Trouble.STATUS:
        limited = rule.status == HTTPStatus.TOO_MANY_REQUESTS
        name = "rate_limit" if limited else "internal_error" if rule.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - the class of statuses
        headers = {} if rule.retry_after is None else {"retry-after": f"{rule.retry_after:g}"}
        raise ApiError(f"{rule.status} (rehearsed)", status=rule.status, type_=name, code=name, headers=headers)
