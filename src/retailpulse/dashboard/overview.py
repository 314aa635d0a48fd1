"""The first page: how everything stands, what runs, why images failed, which jobs came last."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.params import QueryParameter

from retailpulse.dashboard import charts, words
from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.domain.hosts import BreakerState
from retailpulse.domain.images import Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.service import Hosts, JobLists, JobReports, Photos, Stats
from retailpulse.service.photos import MOST_COUNTED
from retailpulse.storage.jobs.list import JobFilter
from retailpulse.storage.jobs.read import JobRow
from retailpulse.storage.jobs.summary import summarize
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
    photos: Photos,
    period: Annotated[str, QueryParameter(name="period")] = "hour",
) -> Response[bytes]:
    """How everything stands."""
    period = period if period in _MINUTES_OF else "hour"
    known = await stats.read()
    ongoing, _ = await job_lists.jobs(_ONGOING, after=None, limit=RUNNING)
    recent, _ = await job_lists.jobs(_NONE, after=None, limit=RECENT)
    in_use, _ = await hosts.hosts((), after=None, limit=HOSTS)
    settled = known.hour if period == "hour" else known.day
    drawn = await _drawn(stats)
    left_alone = [host.origin for host in in_use if host.breaker is not BreakerState.CLOSED]
    return page(
        request,
        "overview.html",
        stats=known,
        sentence=sentence(known),
        trouble=trouble(known, left_alone, ongoing),
        running=[await job_reports.brief(job.job_id) for job in ongoing],
        recent=list(map(summarize, recent)),
        stuck={str(job.job_id) for job in recent if job.is_stuck},
        hosts=in_use,
        workers=await stats.workers(),
        period=period,
        charts=drawn.values(),
        rates=drawn["hour"].rates,
        failures=drawn[period].failure_shares,
        causes=charts.bars(_causes(settled)),
        flag_bars=charts.bars(await photos.counts_of_day(), most=len(words.FLAGS)),
        most_counted=MOST_COUNTED,
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


def trouble(stats: Statistics, open_hosts: list[str], ongoing: Sequence[JobRow]) -> list[str]:
    """What keeps work from getting on; empty if nothing does."""
    found = []
    if stats.unsettled_images and stats.workers == 0:
        found.append("No worker is alive: nothing is fetched until one is started.")
    stuck = [job for job in ongoing if job.is_stuck]
    if stuck:
        name = stuck[0].name or "a job without a name"
        others = f" and {len(stuck) - 1} more" if len(stuck) > 1 else ""
        found.append(f"Stuck: {name}{others}, without a new result for 5 minutes.")
    if stats.open_breakers:
        named = f", as {open_hosts[0]}" if open_hosts else ""
        hosts = "1 photo host is" if stats.open_breakers == 1 else f"{stats.open_breakers} photo hosts are"
        found.append(f"{hosts} left alone for now, since only failures came from there{named}.")
    return found


async def _drawn(stats: Stats) -> dict[str, charts.Chart]:
    """The throughput of each period."""
    return {
        name: charts.throughput(name, await stats.periods(minutes=minutes, periods=COLUMNS), 60 * minutes)
        for name, minutes in _MINUTES_OF.items()
    }


def _causes(settled: list[SettledInPeriod]) -> dict[str, int]:
    return {one.cause: one.images for one in settled if one.cause and one.outcome == Outcome.FAILED}


def _sum(settled: list[SettledInPeriod], outcome: Outcome) -> int:
    return sum(one.images for one in settled if one.outcome == outcome)
