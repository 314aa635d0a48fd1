"""Images that are tried alone, each in a process of its own: the one that ends it is blamed, and no other."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.credentials import Credential
from retailpulse.domain.ids import new_job_id
from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.domain.jobs import PendingImage
from retailpulse.fetch import NO_CREDENTIALS, Credentials, read_credentials
from retailpulse.schema import ImageResult
from retailpulse.storage.scheduling.claims import Granted
from retailpulse.storage.scheduling.losses import QUARANTINE
from retailpulse.worker import quarantine as quarantine_room
from retailpulse.worker.backpressure import Backpressure, Draining
from retailpulse.worker.held_images import HeldImages
from retailpulse.worker.quarantine import Quarantine
from tests.origin import Origin, Reply
from tests.processes import children, command, environment, is_gone, stat
from tests.running import wait_for
from tests.worker.working import LOOPBACK, PICTURE

POISON = Path(__file__).parents[1] / "faults" / "poison"
STALL_SECONDS = 2.0


@pytest.fixture(autouse=True)
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(POISON), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("RETAILPULSE_DATABASE_URL", "postgresql://nobody:secret@nowhere/")


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


class Room:
    """A quarantine, and images to try in it."""

    def __init__(self) -> None:
        self.quarantine = Quarantine(LOOPBACK, MeasureSettings(), STALL_SECONDS)
        self.backpressure = Backpressure(1_000_000)
        self.job_id: UUID = new_job_id()
        self._held_images = HeldImages(lambda _host_id: None)

    async def conclude(
        self,
        url: str,
        depth: Depth = Depth.DECODE,
        image_no: int = 7,
        credentials: Credentials = NO_CREDENTIALS,
    ) -> ImageResult:
        granted = Granted(
            grant_id=1, host_id=QUARANTINE, rank=0, job_id=self.job_id, depth=depth, is_started=True,
            images=[PendingImage(image_no=image_no, image_url=url, earlier=2)],
        )  # fmt: skip
        (held,) = self._held_images.add(granted, granted.images, credentials)
        return await self.quarantine.conclude(held, self.backpressure)


def processes() -> list[int]:
    """The processes in quarantine of this one."""
    return [pid for pid in children(os.getpid()) if "quarantine_process" in command(pid) and not is_gone(pid)]


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened() as room:
        yield room


@asynccontextmanager
async def opened() -> AsyncIterator[Room]:
    room = Room()
    yield room
    await room.quarantine.aclose()
    assert processes() == []


@pytest.mark.parametrize("depth", list(Depth))
async def test_an_innocent_image_is_measured_as_in_any_worker(
    room: Room, origin: Origin, depth: Depth
) -> None:
    result = await room.conclude(origin.serve("/a.png", Reply(body=PICTURE)), depth)
    assert (result.job_id, result.image_no, result.earlier) == (room.job_id, 7, 2)
    assert (result.outcome, result.tries) == (Outcome.MEASURED, 1)
    assert result.measurement is not None
    assert result.measurement.width == 16
    assert (result.measurement.sha256 is None) == (depth is Depth.HEADER)


async def test_an_image_behind_a_token_is_measured_there_too(room: Room, origin: Origin) -> None:
    url = origin.serve("/a.png", Reply(body=PICTURE, allows=lambda seen: seen.headers.get("x-key") == "a"))
    table = {origin.url(""): Credential(headers={"X-Key": "a"})}
    assert (await room.conclude(url)).detail == "HTTP 401: invalid_token"
    result = await room.conclude(url, credentials=read_credentials(table))
    assert result.outcome is Outcome.MEASURED


async def test_a_failure_that_is_no_crash_is_told_as_it_is(room: Room, origin: Origin) -> None:
    result = await room.conclude(origin.serve("/a.png", Reply(status=404)))
    assert (result.outcome, result.cause) == (Outcome.FAILED, Cause.HTTP_STATUS)
    assert room.quarantine.crashes == 0


async def test_one_that_kills_its_process_is_blamed_and_the_next_is_measured(
    room: Room, origin: Origin
) -> None:
    result = await room.conclude(origin.url("/killer"))
    assert (result.job_id, result.image_no, result.earlier) == (room.job_id, 7, 2)
    assert (result.outcome, result.cause, result.detail) == (
        Outcome.FAILED,
        Cause.WORKER_CRASHED,
        "tried alone in a process, which was killed by signal 9 (killed); "
        "2 workers were lost before while they had it",
    )
    assert (await room.conclude(origin.serve("/a.png", Reply(body=PICTURE)))).cause is None
    assert room.quarantine.crashes == 1


async def test_one_that_keeps_its_loop_is_blamed(room: Room, origin: Origin) -> None:
    result = await room.conclude(origin.url("/blocker"))
    assert result.cause is Cause.WORKER_CRASHED
    assert result.detail is not None
    assert "which did nothing any more for 2 s" in result.detail


async def test_one_in_a_process_that_had_others_before_gets_a_new_one(room: Room, origin: Origin) -> None:
    """What another image has left behind may kill it: then the new process measures it."""
    assert (await room.conclude(origin.serve("/a.png", Reply(body=PICTURE)))).cause is None
    before = processes()
    gate = origin.serve("/b.png", Reply(body=PICTURE, hang_after=0), Reply(body=PICTURE))
    trying = asyncio.create_task(room.conclude(gate))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    os.kill(before[0], signal.SIGSEGV)
    assert (await trying).cause is None
    assert room.quarantine.crashes == 1
    assert processes() != before


async def test_a_worker_that_stops_leaves_the_image_and_blames_nobody(room: Room, origin: Origin) -> None:
    trying = asyncio.create_task(room.conclude(origin.serve("/a.png", Reply(body=PICTURE, hang_after=0))))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    (pid,) = processes()
    os.kill(pid, signal.SIGTERM)  # whoever stops a service may ask all of its processes to stop
    room.backpressure.drain()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Draining):
        await trying


async def test_a_process_does_not_stop_when_it_is_asked_to(room: Room, origin: Origin) -> None:
    gate = threading.Event()
    trying = asyncio.create_task(room.conclude(origin.serve("/a.png", Reply(before=gate, body=PICTURE))))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    (pid,) = processes()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    gate.set()
    assert (await trying).cause is None
    assert processes() == [pid]


async def test_an_image_of_a_job_that_is_called_off_is_dropped_with_its_process(
    room: Room, origin: Origin
) -> None:
    trying = asyncio.create_task(room.conclude(origin.serve("/a.png", Reply(body=PICTURE, hang_after=0))))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    (pid,) = processes()
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    await asyncio.to_thread(wait_for, lambda: is_gone(pid))
    assert room.quarantine.crashes == 0


async def test_a_process_that_was_frozen_with_us_is_not_blamed(room: Room, origin: Origin) -> None:
    url = origin.serve("/a.png", Reply(body=PICTURE, seconds=1.0))
    trying = asyncio.create_task(room.conclude(url))
    await asyncio.to_thread(origin.wait_until, lambda: origin.busy == 1)
    (pid,) = processes()
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: stat(pid)[0] == "T")
    origin.wait_until(lambda: origin.busy == 0)  # keeps our own loop, as a sleep would
    os.kill(pid, signal.SIGCONT)
    assert (await trying).cause is None


async def test_its_process_knows_no_settings_and_ends_when_it_has_nothing_to_do(
    room: Room, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine_room, "IDLE_SECONDS", 0.2)
    await room.conclude(origin.serve("/a.png", Reply(body=PICTURE)))
    assert [b"secret" in environment(pid) for pid in processes()] == [False]
    await asyncio.to_thread(wait_for, lambda: processes() == [])


async def test_a_process_that_cannot_be_started_says_nothing_of_the_image(
    room: Room, origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quarantine_room, "START_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr("sys.executable", "/bin/false")
    trying = asyncio.create_task(room.conclude(origin.serve("/a.png", Reply(body=PICTURE))))
    await asyncio.to_thread(wait_for, lambda: caplog.text.count("cannot be tried alone now") >= 2)
    monkeypatch.undo()
    assert (await trying).cause is None
