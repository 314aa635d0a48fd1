"""Waiting for a job: by the stream of its events if there is one, by asking now and then otherwise."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from retailpulse.client.errors import InvalidRequest, NotFound, TimedOut
from retailpulse.client.exchange import OUTAGES, Exchange
from retailpulse.client.jobs import job
from retailpulse.client.params import job_path
from retailpulse.client.transports import HttpRequest
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import ImageCounts, Job, Record

EVENT_STREAM = "text/event-stream"

_SILENCE_SECONDS = 30.0
"""Seconds without any byte of an event stream, not even a sign of life, after which it is opened again."""
_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.25, 2.0


class Progress(Record, frozen=True, kw_only=True):
    """The state of a job at this moment."""

    job_id: str
    status: JobStatus
    images: ImageCounts
    images_per_second: float | None = None
    seconds_left: float | None = None


async def wait(
    exchange: Exchange,
    job_id: str,
    *,
    progress: Callable[[Progress], object] | None = None,
    timeout_seconds: float | None = None,
) -> Job:
    """Wait until a job has ended, however it did, and say how it stands then.

    `progress` is called with each news of it, at most four times a second. An outage of the service is
    waited out for as long as the client's patience lasts. Raises TimedOut after `timeout_seconds` (at most
    a few seconds later; the job goes on), NotFound.

    >>> client.wait(job_id, timeout_seconds=60).images.settled
    2
    """
    until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    async with aclosing(_changes(exchange, job_id, until)) as news:
        async for found in news:
            if progress is not None:
                progress(found)
    return await job(exchange, job_id)


async def events(exchange: Exchange, job_id: str) -> AsyncGenerator[Progress, None]:
    """The state of a job after each change, until it has ended; raises NotFound.

    >>> [moment.status.value for moment in client.events(job_id)][-1]
    'failed'
    """
    async for found in _changes(exchange, job_id, None):
        yield found


async def _changes(exchange: Exchange, job_id: str, until: float | None) -> AsyncGenerator[Progress, None]:
    """The states of the job, until it has ended or time is over; raises TimedOut then."""
    found = await job(exchange, job_id)  # an unknown job raises, and an outage is waited out, as everywhere
    told = _progress(found)
    yield told
    poll_seconds = _POLL_SECONDS
    follower = _Follower(exchange, job_id)
    while found.status is JobStatus.ONGOING:
        async with aclosing(follower.follow(_left(until, _SILENCE_SECONDS, job_id))) as moments:
            async for moment in moments:
                _left(until, 0.0, job_id)
                if moment is not None and moment.images != told.images:
                    told = moment
                    yield told
        if not follower.is_over:
            await exchange.transport.pause(_left(until, poll_seconds, job_id))
            poll_seconds = min(poll_seconds * 1.5, _LONGEST_POLL_SECONDS)
        found = await job(exchange, job_id)
        if (found.images, found.status) != (told.images, told.status):
            told = _progress(found)
            yield told


def _left(until: float | None, most: float, job_id: str) -> float:
    """Seconds that are left, at most `most`; raises TimedOut if there are none."""
    if until is None:
        return most
    left = until - time.monotonic()
    if left <= 0:
        raise TimedOut(f"the job {job_id} has not ended in time; it goes on")
    return min(left, most)


def _progress(found: Job) -> Progress:
    return msgspec.convert(found, Progress, from_attributes=True)


class _Follower:
    """Follows the events of a job; if they break off, the next call goes on after the last one."""

    def __init__(self, exchange: Exchange, job_id: str) -> None:
        self._exchange = exchange
        self._job_id = job_id
        self._last_id = ""
        self._began: tuple[float, int] | None = None
        self._are_there = True
        self.is_over = False

    async def follow(self, silence_seconds: float) -> AsyncGenerator[Progress | None, None]:
        """News as they come, None for a sign of life; ends with the stream, at once if there is none."""
        if not self._are_there:
            return
        headers = {"Accept": EVENT_STREAM} | ({"Last-Event-ID": self._last_id} if self._last_id else {})
        request = HttpRequest(
            method="GET",
            path=job_path(self._job_id, "events"),
            headers=headers,
            read_seconds=silence_seconds,
        )
        try:
            async with self._exchange.opened(request) as response:
                self._are_there = response.headers.get("Content-Type", "").startswith(EVENT_STREAM)
                if not self._are_there:
                    return
                lines = EventLines()
                async for block in self._exchange.transport.blocks(response):
                    for event in lines.feed(block):
                        yield self._read(event)
        except (NotFound, InvalidRequest):  # of the stream: the job itself was found a moment ago
            self._are_there = False
        except OUTAGES:
            return  # the job is asked for next, with the patience that the client has

    def _read(self, event: "Event") -> Progress | None:
        self._last_id = event.id or self._last_id
        if event.name == "end":
            self.is_over = True
        return self._timed(self._exchange.decode(event.data, Progress)) if event.name == "progress" else None

    def _timed(self, moment: Progress) -> Progress:
        """The moment with the mean rate since the first one, which events do not tell."""
        now, settled = time.monotonic(), moment.images.settled
        self._began = self._began or (now, settled)
        seconds, images = now - self._began[0], settled - self._began[1]
        if images <= 0 or seconds < _POLL_SECONDS:
            return moment
        rate = images / seconds
        left = (moment.images.total - settled) / rate
        return msgspec.structs.replace(moment, images_per_second=rate, seconds_left=left)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream; a comment is one without a name."""

    name: str = ""
    data: str = ""
    id: str = ""


class EventLines:
    """Cuts a stream of server-sent events into events, in whatever blocks it comes (WHATWG HTML, 9.2.6)."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, block: bytes) -> list[Event]:
        """The events that are complete with this block."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        return [
            event for line in lines if (event := self._parse_line(line.rstrip(b"\r").decode())) is not None
        ]

    def _parse_line(self, line: str) -> Event | None:
        if line.startswith(":"):
            return Event()
        if line:
            name, _, value = line.partition(":")
            self._fields.setdefault(name, []).append(value.removeprefix(" "))
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        last = {name: values[-1] for name, values in fields.items()}
        data = "\n".join(fields["data"])
        return Event(name=last.get("event", "message"), data=data, id=last.get("id", ""))
