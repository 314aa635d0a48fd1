"""The door of this room: fetches a whole body or its head, with redirects, tries and one deadline.

What is refused, when a request has its turn, and what a failure is called, is decided in the other modules.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.domain.object_stores import parse_object_url
from retailpulse.fetch.access.credentials import NO_CREDENTIALS, Credentials, credentials_of
from retailpulse.fetch.access.object_stores import ObjectStores
from retailpulse.fetch.dispatch import Dispatch, QueuePlace
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.host.pool import HostPool
from retailpulse.fetch.host.queue import HostListener
from retailpulse.fetch.http.body_reader import BodyReader, Check, Enough, Tap
from retailpulse.fetch.http.curl_handles import check_settings
from retailpulse.fetch.http.error_code import WELL_KNOWN
from retailpulse.fetch.http.messages import WHOLE, Response
from retailpulse.fetch.http.range_reader import FIRST_SPAN, RANGE_REFUSED, read_head, read_whole
from retailpulse.fetch.http.ranges import Span
from retailpulse.fetch.priority_semaphore import Admit
from retailpulse.fetch.retries import Attempt
from retailpulse.fetch.target.urls import Target, follow, parse_target
from retailpulse.telemetry.instruments import Instruments

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
JudgeWhole = Callable[[list[bytes]], Awaitable[object]]
"""Says whether the pieces of a body are a whole picture: raises ImageError if not."""
_LACKING = frozenset({Cause.TRUNCATED, Cause.CORRUPT})
"""What a picture may be called that lacks its last bytes."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The bytes of an image, and how many tries they took; redirects and further ranges are not counted."""

    body: bytes
    tries: int


class FetchedPieces(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The same, as it arrived: joining a large body costs as much as receiving it."""

    pieces: list[bytes]
    tries: int

    def joined(self) -> Fetched:
        """The whole body as one bytes object."""
        body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        return Fetched(body=body, tries=self.tries)


class Downloader:
    """Fetches photos on the running asyncio loop; close it on the same loop.

    Every failure is an ImageError whose cause says what really happened and whose `tries` are filled in.
    `admit` is asked before each request, when its turn has come: it may give what the next must wait for,
    or raise. `listener` leases the slots of hosts; without one each host is asked as its limiter allows.
    `instruments` time each request, and count the bytes of bodies that came.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        admit: Admit = lambda: None,
        instruments: Instruments | None = None,
        listener: HostListener | None = None,
    ) -> None:
        check_settings(settings)
        self._settings = settings
        self._credentials, self._stores = credentials_of(settings), ObjectStores(settings)
        self._dispatch = Dispatch(settings, admit, instruments or Instruments(), listener)
        self._pausing: Counter[str] = Counter()

    @property
    def capacity(self) -> int:
        """How many requests may run at once."""
        return self._dispatch.capacity

    @property
    def hosts(self) -> HostPool:
        """The queues of all hosts that are in use."""
        return self._dispatch.hosts

    async def fetch(self, url: str) -> Fetched:
        """Fetch a whole body; raises ImageError."""
        return (await self._persist(url, _Reading(), QueuePlace())).joined()

    def fetch_pieces(
        self,
        url: str,
        tap: Tap | None = None,
        *,
        check: Check | None = None,
        judge: JudgeWhole | None = None,
        place: QueuePlace | None = None,
        credentials: Credentials = NO_CREDENTIALS,
    ) -> Awaitable[FetchedPieces]:
        """Fetch a whole body; raises ImageError, and whatever `check` raises of its first 16 kB.

        Its pieces are also given to `tap` as they arrive; each try begins with a new one. A body whose answer
        broke off and had declared no length is handed to `judge`, after its slots are given back: it counts
        as whole if that raises nothing, and is fetched again if that raises `truncated` or `corrupt`.
        `credentials` go before those of the settings, host by host.
        """
        reading = _Reading(check=check, tap=tap, judge=judge)
        return self._persist(url, reading, place or QueuePlace(), credentials)

    async def fetch_head(self, url: str, enough: Enough) -> Fetched:
        """Fetch the first bytes of a file in one piece: see `fetch_head_pieces`."""
        return (await self._persist(url, _Reading(enough=enough), QueuePlace())).joined()

    def fetch_head_pieces(
        self,
        url: str,
        enough: Enough,
        *,
        place: QueuePlace | None = None,
        credentials: Credentials = NO_CREDENTIALS,
    ) -> Awaitable[FetchedPieces]:
        """Fetch the first bytes of a file: 16 kB, then 64 kB, then on until `enough` says yes or it ends.

        `enough` gets all bytes so far, at growing sizes, and again when the file ends before it said yes.
        It should be quick: it may run between two packets. What it raises ends the fetch.
        """
        return self._persist(url, _Reading(enough=enough), place or QueuePlace(), credentials)

    def parked(self) -> int:
        """How many images only pause between two tries."""
        return self._pausing.total()

    def parked_at(self, origin_key: str) -> int:
        """How many images of one host only pause between two tries."""
        return self._pausing[origin_key]

    def unfinished_bytes(self) -> int:
        """How much the bodies take that are being fetched."""
        return self._dispatch.unfinished_bytes

    def in_flight(self) -> int:
        """How many requests run now."""
        return self._dispatch.in_flight

    async def aclose(self) -> None:
        """Abort what is in flight and free every connection.

        A task that awaits a transfer is cancelled; one that waits for a slot, or comes later, gets a
        RuntimeError.
        """
        self._dispatch.close()

    async def _persist(
        self,
        url: str,
        reading: "_Reading",
        place: QueuePlace,
        credentials: Credentials = NO_CREDENTIALS,
    ) -> FetchedPieces:
        """Try until it works, cannot work, or the tries or the time are used up."""
        target = self._target(url, credentials)
        attempt = Attempt(self._settings.deadline_seconds)
        while True:
            attempt.begin(self._settings.timeout_seconds)
            reader = reading.begin(self._settings.max_body_bytes)
            visit = _Visit(self._dispatch, target, attempt, reader, self._settings.max_redirects, place)
            try:
                await (read_whole if reading.enough is None else read_head)(visit.ask, reader)
                if reader.unclean_end is not None and not reader.satisfied:
                    await reading.judge_end(reader, reader.unclean_end)
                return FetchedPieces(pieces=reader.pieces, tries=attempt.tries)
            except TryFailed as failed:
                attempt.failed_at = visit.origin_key
                pause_seconds = attempt.pause_after(failed, self._settings)
                if pause_seconds is None:
                    raise ImageError(failed.cause, failed.detail, tries=attempt.tries) from None
            except ImageError as error:
                error.tries = attempt.tries
                raise
            await self._pause(target.origin.key, pause_seconds)
            attempt.wait(pause_seconds)
            target = self._target(url, credentials)  # what is signed is valid for some time only

    def _target(self, url: str, credentials: Credentials) -> Target:
        """What a try begins with: a URL with the headers of its origin, or the signed URL of an object."""
        found = parse_object_url(url)
        if found is not None:
            return self._stores.target(found)
        target = parse_target(url)
        headers = credentials.of(target.origin) or self._credentials.of(target.origin)
        return Target(target.url, target.origin, headers)

    async def _pause(self, origin_key: str, seconds: float) -> None:
        self._pausing[origin_key] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pausing[origin_key] -= 1
            if not self._pausing[origin_key]:
                del self._pausing[origin_key]


class _Reading(msgspec.Struct, frozen=True, gc=False):
    """How the bodies of one image are read, in every try alike."""

    enough: Enough | None = None
    check: Check | None = None
    tap: Tap | None = None
    judge: JudgeWhole | None = None

    def begin(self, max_bytes: int) -> BodyReader:
        return BodyReader(max_bytes=max_bytes, enough=self.enough, check=self.check, tap=self.tap)

    async def judge_end(self, reader: BodyReader, end: TryFailed) -> None:
        """Raise what a body fails with whose answer broke off, unless it is a whole picture."""
        if self.judge is None:
            raise end.bare()
        try:
            await self.judge(reader.pieces)
        except ImageError as error:
            if error.cause not in _LACKING:
                raise
            end.detail = f"{end.detail}; {error.detail}"
            raise end.bare() from None


class _Visit:
    """One try: asks the URL to which the redirects of its earlier answers led."""

    def __init__(
        self,
        dispatch: Dispatch,
        target: Target,
        attempt: Attempt,
        reader: BodyReader,
        max_redirects: int,
        place: QueuePlace,
    ) -> None:
        self._dispatch = dispatch
        self._target = target
        self._attempt = attempt
        self._reader = reader
        self._max_redirects = max_redirects
        self._place = place
        self._was_refused = False  # a range was
        self._has_secrets = bool(target.headers)

    @property
    def origin_key(self) -> str:
        """The host that was asked last."""
        return self._target.origin.key

    async def ask(self, span: Span | None) -> Response:
        """Ask, and follow redirects; the further parts are asked of the URL that gave the first one."""
        for _ in range(self._max_redirects + 1):
            part = None if span is FIRST_SPAN and self._dispatch.refuses_ranges(self._target) else span
            answer = await self._dispatch.ask(self._target, self._attempt, self._reader, part, self._place)
            location = answer.header(b"location") if answer.status in _REDIRECTS else None
            if location is None:
                self._note_ranges(part, answer)
                return self._without_secrets(answer)
            self._attempt.keep_cookies(self._target.origin, answer)
            self._target = follow(self._target, location)
        raise TryFailed(Cause.TOO_MANY_REDIRECTS, f"more than {self._max_redirects} redirects")

    def _note_ranges(self, span: Span | None, answer: Response) -> None:
        if span is None:
            if self._was_refused and answer.status in WHOLE:
                self._dispatch.record_range(self._target, refused=True)
        elif answer.status in RANGE_REFUSED:
            self._was_refused = True
        elif answer.status == 206:
            self._dispatch.record_range(self._target, refused=False)

    def _without_secrets(self, answer: Response) -> Response:
        """The answer without an error code that may hold what a host of this try was sent."""
        if self._has_secrets and answer.error_code not in WELL_KNOWN:
            return msgspec.structs.replace(answer, error_code="")
        return answer
