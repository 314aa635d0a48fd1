"""What a service manager hears by its socket, as systemd would: ready, still alive, stopping."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import Queue

import pytest

from retailpulse.process.service_manager import ServiceManager
from tests.faults.postgres import embedded_url
from tests.lifecycle.processes import QUICK, Shop
from tests.running import ALLOW_LOOPBACK, Process

SECOND = {"WATCHDOG_USEC": "600000"}


class Manager:
    """A socket that hears what a process says to its service manager; it listens on, as few words fit in."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._said: Queue[str] = Queue()
        self._hearing = threading.Thread(target=self._listen)
        self._hearing.start()
        self.address = address

    def _listen(self) -> None:
        while said := self._socket.recv(1_000):
            self._said.put(said.decode())

    def hear(self, *until: str) -> list[str]:
        """What was said up to the last of these, each of which must come, in this order."""
        heard: list[str] = []
        for wanted in until:
            while not heard or heard[-1] != wanted:
                heard.append(self._said.get(timeout=30))
        return heard

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._hearing.join()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, folder: Path) -> Iterator[Manager]:
    hearing = Manager(str(folder / "notify") if request.param == "path" else f"@retailpulse-{os.getpid()}")
    yield hearing
    hearing.close()


async def test_signs_come_as_often_as_the_watchdog_wants(manager: Manager) -> None:
    stop = asyncio.Event()
    told = ServiceManager({"NOTIFY_SOCKET": manager.address, **SECOND})
    async with told.informed(stop):
        told.ready()
        assert await asyncio.to_thread(manager.hear, "READY=1", "WATCHDOG=1", "WATCHDOG=1")
        stop.set()
        await asyncio.to_thread(manager.hear, "STOPPING=1")


@pytest.mark.parametrize("other", [{"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "soon"}])
async def test_no_signs_where_no_watchdog_is_meant_for_this_process(
    manager: Manager, other: dict[str, str]
) -> None:
    stop = asyncio.Event()
    told = ServiceManager({"NOTIFY_SOCKET": manager.address, **SECOND, **other})
    async with told.informed(stop):
        told.ready()
        await asyncio.sleep(0)
        stop.set()
        assert await asyncio.to_thread(manager.hear, "STOPPING=1") == ["READY=1", "STOPPING=1"]


async def test_a_manager_that_is_gone_or_was_never_there_harms_nobody(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager({}).ready()
    assert not caplog.messages
    ServiceManager({"NOTIFY_SOCKET": str(folder / "nobody")}).ready()
    assert "cannot send READY=1 to the service manager" in caplog.text


def test_serve_and_a_worker_tell_their_manager_and_their_children_do_not(shop: Shop, folder: Path) -> None:
    with closing(Manager(str(folder / "serve"))) as serve, closing(Manager(str(folder / "worker"))) as worker:
        _check_both_notify(shop, folder, serve, worker)


def _check_both_notify(shop: Shop, folder: Path, of_serve: Manager, of_worker: Manager) -> None:
    running = shop.serve(NOTIFY_SOCKET=of_serve.address, WATCHDOG_USEC=SECOND["WATCHDOG_USEC"])
    of_serve.hear("READY=1", "WATCHDOG=1")
    for pid in running.pids()["worker"] + running.pids()["api"]:
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
    worker = Process(
        folder / "beside",
        "worker",
        environment=ALLOW_LOOPBACK
        | QUICK
        | SECOND
        | {"NOTIFY_SOCKET": of_worker.address, "RETAILPULSE_DATABASE_URL": embedded_url(shop.folder)},
    )
    of_worker.hear("WATCHDOG=1", "READY=1", "WATCHDOG=1")
    assert worker.stop() == 0
    of_worker.hear("STOPPING=1")
    assert running.stop() == 0
    assert of_serve.hear("STOPPING=1").count("READY=1") == 0
