"""The first page: how everything stands, what runs, why images failed, which jobs came last."""

from collections import Counter
from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard import charts
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.hosts import BreakerState
from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import Hosts, JobLists, JobReports, Stats
from retailpulse.service.job_summary import summarize
from retailpulse.storage.jobs.list import JobFilter
from retailpulse.storage.metrics.throughput import SettledInPeriod, Statistics

RUNNING, RECENT, HOSTS = 5, 10, 6
"""How many running jobs, recent jobs and hosts are shown."""
COLUMNS = 60
_MINUTES_OF = {"hour": 1, "day": 24}
_NONE = JobFilter()
_ONGOING = JobFilter(statuses=(JobStatus.ONGOING,))


@get("/", include_in_schema=False)
async def overview(
    request: AnyRequest,
    stats: Stats,
    job_lists: JobLists,
    job_reports: JobReports,
    hosts: Hosts,
    period: Annotated[str, QueryParameter(name="period")] = "hour",
) -> Response[bytes]:
    """How everything stands."""
    period = period if period in _MINUTES_OF else "hour"
    minutes = _MINUTES_OF[period]
    known = await stats.read()
    ongoing, _ = await job_lists.jobs(_ONGOING, after=None, limit=RUNNING)
    recent, _ = await job_lists.jobs(_NONE, after=None, limit=RECENT)
    in_use, _ = await hosts.hosts((), after=None, limit=HOSTS)
    periods = await stats.periods(minutes=minutes, periods=COLUMNS)
    settled = known.hour if period == "hour" else known.day
    return page(
        request,
        "overview.html",
        stats=known,
        sentence=sentence(known),
        trouble=trouble(known, [host.origin for host in in_use if host.breaker is not BreakerState.CLOSED]),
        running=[await job_reports.report(job.job_id) for job in ongoing],
        recent=list(map(summarize, recent)),
        hosts=in_use,
        period=period,
        chart=charts.chart(periods, 60 * minutes),
        causes=charts.bars(_causes(settled)),
        flag_bars=charts.bars(sum((Counter(job.flags) for job in recent), Counter())),
        measured=_sum(settled, Outcome.MEASURED),
        failed=_sum(settled, Outcome.FAILED),
    )


def sentence(stats: Statistics) -> str:
    """How things stand, as the first line of the page."""
    running = stats.jobs[JobStatus.ONGOING]
    if running == 0:
        return "Nothing is running" if any(stats.jobs.values()) else "Nothing was submitted yet"
    jobs = "1 job" if running == 1 else f"{running:,} jobs"
    images = "1 image" if stats.unsettled_images == 1 else f"{stats.unsettled_images:,} images"
    return f"{jobs} running, {images} waiting"


def trouble(stats: Statistics, open_hosts: list[str]) -> list[str]:
    """What keeps work from getting on; empty if nothing does."""
    found = []
    if stats.unsettled_images and stats.workers == 0:
        found.append("No worker is alive: nothing is fetched until one is started.")
    if stats.open_breakers:
        named = f", as {open_hosts[0]}" if open_hosts else ""
        hosts = "1 photo host is" if stats.open_breakers == 1 else f"{stats.open_breakers} photo hosts are"
        found.append(f"{hosts} left alone for now, since only failures came from there{named}.")
    return found


def _causes(settled: list[SettledInPeriod]) -> dict[str, int]:
    return {one.cause: one.images for one in settled if one.cause and one.outcome == Outcome.FAILED}


def _sum(settled: list[SettledInPeriod], outcome: Outcome) -> int:
    return sum(one.images for one in settled if one.outcome == outcome)
