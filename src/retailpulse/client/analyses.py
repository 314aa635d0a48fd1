"""Operations on analyses: have photos of before looked at again by analyzers that are new or have changed."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from retailpulse.client.exchange import Exchange, Page
from retailpulse.client.params import When
from retailpulse.client.transports import LONG_SECONDS, HttpRequest
from retailpulse.domain.times import in_utc
from retailpulse.schema import AnalysisJob, AnalysisPart

_PATH = "/api/v1/analyses"


async def analyze(
    exchange: Exchange,
    *,
    since: When = None,
    until: When = None,
    job_id: str | None = None,
    analyzers: Iterable[str] = (),
    all_depths: bool = False,
    failed_too: bool = False,
    limit: int | None = None,
    dry_run: bool = False,
    credentials: Mapping[str, Any] | None = None,
) -> AsyncGenerator[AnalysisPart, None]:
    """Have photos looked at again that analyzers were not asked about, and give what is found part by part.

    Only photos of jobs submitted from `since` up to before `until`, or of one job; at most `limit` of them.
    Each part is a job of its own. Photos that wait are left out, and unless `failed_too` those that failed
    in such a job, which can be retried. With `dry_run` nothing is kept. Raises NotFound.

    >>> [part.images for part in client.analyze(job_id=job_id, dry_run=True)]
    [0]
    """
    given = {
        "since": _text(since),
        "until": _text(until),
        "job_id": job_id,
        "analyzers": list(analyzers) or None,
        "all_depths": all_depths or None,
        "failed_too": failed_too or None,
        "dry_run": dry_run or None,
        "credentials": credentials,
    }
    fields = {name: value for name, value in given.items() if value is not None}
    while limit is None or limit > 0:
        part = await exchange.fetch(_request(fields, limit, is_repeatable=dry_run), AnalysisPart)
        yield part
        if part.cursor is None:
            return
        fields["cursor"] = part.cursor
        limit = None if limit is None else limit - part.images


async def analyses(exchange: Exchange) -> AsyncGenerator[AnalysisJob, None]:
    """Analyses, the newest first, one by one.

    >>> list(client.analyses())
    []
    """
    async for item in exchange.pages(_PATH, [], Page[AnalysisJob]):
        yield item


async def analysis(exchange: Exchange, job_id: str) -> AnalysisJob:
    """How far an analysis is, and what became of its photos. Raises NotFound."""
    request = HttpRequest(method="GET", path=f"{_PATH}/{quote(job_id, safe='')}")
    return await exchange.fetch(request, AnalysisJob)


_MOST_IMAGES = 20_000
"""Most photos that one request may ask for."""


def _text(when: When) -> str | None:
    if isinstance(when, datetime):
        return in_utc(when)
    return when.isoformat() if isinstance(when, date) else when


def _request(fields: Mapping[str, Any], limit: int | None, *, is_repeatable: bool) -> HttpRequest:
    most = {} if limit is None else {"limit": min(limit, _MOST_IMAGES)}
    return HttpRequest(
        method="POST",
        path=_PATH,
        headers={"Content-Type": "application/json"},
        content=msgspec.json.encode({**fields, **most}),
        read_seconds=LONG_SECONDS,
        is_repeatable=is_repeatable,  # what is kept would be left out the second time
    )
