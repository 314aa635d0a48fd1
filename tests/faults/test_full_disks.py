"""The disk under the database is full: submits are refused, what was accepted stays, all heals by itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.postgres import ask, embedded_url
from tests.faults.submitting import Submitter, wait_until_ended
from tests.lifecycle.processes import Shop, submit
from tests.running import clean_environment, free_port, wait_for

DISK = "size=200m,mode=755"
BLOCK_BYTES = 1_000_000


class SmallDisk:
    """A file system of its own for a data directory, which a ballast fills."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Takes every byte that is left."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (BLOCK_BYTES, 4096):
                while _writes(file.fileno(), size):
                    pass

    def free(self) -> None:
        """Gives it back."""
        self._ballast.unlink()


def _writes(file: int, size: int) -> bool:
    try:
        return os.write(file, b"x" * size) == size
    except OSError:
        return False


@pytest.fixture
def shop(new_shop: Shop) -> Shop:
    """One whose data directory is made on that disk."""
    return new_shop


@pytest.fixture
def disk(shop: Shop) -> Iterator[SmallDisk]:
    """The disk that the shop's data directory is; whatever runs on it is killed first."""
    place = shop.folder / "data"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("needs root with CAP_SYS_ADMIN, for a small tmpfs: apt-get install mount")
    yield SmallDisk(place)
    shop.close()
    wait_for(lambda: subprocess.run(["umount", str(place)], check=False).returncode == 0)


def test_a_disk_that_is_too_small_for_a_database_is_told_in_one_line(disk: SmallDisk, shop: Shop) -> None:
    (disk.place / "ballast").write_bytes(bytes(180 * BLOCK_BYTES))
    done = subprocess.run(
        [sys.executable, "-m", "retailpulse", "serve", f"--port={free_port()}", "--data-dir=data"],
        cwd=shop.folder, env=clean_environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("retailpulse: the embedded PostgreSQL: initdb failed: could not ")
    assert done.stderr.endswith(": No space left on device\n")
    assert len(done.stderr.splitlines()) == 1


def long_texts(count: int) -> list[str]:
    """What cannot be fetched, and takes several pages of a table although these are compressed."""
    return [os.urandom(20_000).hex() for _ in range(count)]


def end_the_log(url: str) -> None:
    """Fills one log file after the other, until there is no room for the next."""
    try:
        while True:
            ask(url, "SELECT pg_logical_emit_message(false, 'test', repeat('x', 16000000))")
    except psycopg.OperationalError:
        pass


def test_a_disk_that_is_full_for_the_tables(shop: Shop, disk: SmallDisk) -> None:
    """Accepted means on disk, refusals are honest: nothing half is kept, and nobody has to help."""
    running = shop.serve()
    pids = running.pids()
    gate = shop.gate()
    waiting = submit(running, shop.photos(8, before=gate))
    shop.wait_for_requests(8)
    submitter = Submitter(running.url, long_texts)  # so that no page of a table has room for one
    disk.fill()
    with submitter.at_work():
        submitter.wait_until_refused(5)
        gate.set()  # what was being worked on has no room for its results
        assert running.http.get("/health/live").status_code == 200
        disk.free()
        submitter.wait_until_accepted(5)
    wait_until_ended(running, [waiting, *submitter.accepted()])
    submitter.check_refusals()
    url = embedded_url(shop.folder)
    assert submitter.lost(url) == set()
    assert submitter.with_unknown_commit(url) == []
    shop.check_truth(waiting, *submitter.accepted())
    assert max(shop.requests().values()) == 1
    assert running.pids() == pids


def test_a_disk_so_full_that_the_database_ends(shop: Shop, disk: SmallDisk) -> None:
    """Accepted means on disk, recovery is bounded: `serve` brings the database back once there is room."""
    running = shop.serve()
    url = embedded_url(shop.folder)
    gate = shop.gate()
    waiting = submit(running, shop.photos(8, before=gate))
    shop.wait_for_requests(8)
    disk.fill()
    end_the_log(url)
    gate.set()
    submitter = Submitter(running.url, shop.photos)
    with submitter.at_work():
        submitter.wait_until_refused(5)
        wait_for(lambda: "the embedded PostgreSQL does not start" in running.log())
        disk.free()
        submitter.wait_until_accepted(5)
    wait_until_ended(running, [waiting, *submitter.accepted()])
    submitter.check_refusals()
    assert submitter.lost(url) == set()
    shop.check_truth(waiting, *submitter.accepted(), *submitter.with_unknown_commit(url))
    assert max(shop.requests().values()) == 1
