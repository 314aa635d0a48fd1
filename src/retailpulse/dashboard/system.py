"""The parts of the service: whether each is healthy, workers and what each does, photo hosts."""

from collections.abc import Sequence

from litestar import Response, get

from retailpulse.dashboard.rendering import AnyRequest, page
from retailpulse.service import Checks, Deliveries, Hosts, Processes, ReadinessCheck, Stats
from retailpulse.service.readiness import Readiness
from retailpulse.storage.integrity.runs import CheckRow
from retailpulse.storage.metrics.processes import ProcessRow

HOST_ROWS = 200


@get("/system", include_in_schema=False)
async def health(
    request: AnyRequest,
    stats: Stats,
    readiness: ReadinessCheck,
    processes: Processes,
    deliveries: Deliveries,
    checks: Checks,
) -> Response[bytes]:
    """Whether each part is healthy."""
    found = await readiness.check()
    workers, apis = await processes.workers(), await processes.apis()
    states, given_up = await deliveries.counts(), await deliveries.given_up_lately()
    last_check = next(iter(await checks.latest()), None)
    known = await stats.read()
    return page(
        request,
        "health.html",
        tab="health",
        stats=known,
        readiness=found,
        apis=[row for row in apis if row.is_alive],
        silent=silent(workers),
        versions=sorted({row.version for row in (*workers, *apis) if row.is_alive and row.version}),
        states=states,
        last_check=last_check,
        given_up=given_up,
        troubles=troubles(found, last_check, known.open_breakers),
        events=events(silent(workers), given_up),
    )


@get("/system/workers", include_in_schema=False)
async def workers_page(request: AnyRequest, processes: Processes) -> Response[bytes]:
    """Worker processes on all machines, and what each does."""
    found = await processes.workers()
    alive = sum(row.is_alive for row in found)
    return page(request, "workers.html", tab="workers", workers=found, alive=alive)


@get("/system/hosts", include_in_schema=False)
async def photo_hosts(request: AnyRequest, hosts: Hosts) -> Response[bytes]:
    """Photo hosts in use, and how each does."""
    found, following = await hosts.hosts((), after=None, limit=HOST_ROWS)
    return page(request, "hosts.html", tab="hosts", hosts=found, are_more=following is not None)


def silent(rows: Sequence[ProcessRow]) -> list[ProcessRow]:
    """The processes that stopped to report without a goodbye."""
    return [row for row in rows if not row.is_alive and row.ended_at is None]


def troubles(readiness: Readiness, last_check: CheckRow | None, open_breakers: int) -> list[str]:
    """What is not as it should be now, the worst first; the first one is the heading of the page."""
    found = {
        "No worker is alive": not readiness.workers,
        "The last check found errors": bool(last_check and last_check.report and last_check.report.findings),
        f"{_counted(open_breakers, 'photo host')} left alone": open_breakers > 0,
        "Decoders are confined less than they could be": bool(readiness.sandbox_missing),
    }
    return [text for text, is_so in found.items() if is_so]


def events(lost: Sequence[ProcessRow], given_up: int) -> list[str]:
    """What went wrong lately, and may be over by now."""
    found = {
        f"{_counted(len(lost), 'worker')} fell silent in the last hour": bool(lost),
        f"{_counted(given_up, 'callback')} of the last day given up": given_up > 0,
    }
    return [text for text, is_so in found.items() if is_so]


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"
