"""The program that writes XLSX leaves nothing on the disk, however it ends, and says when that is full."""

import asyncio
import os
import resource
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retailpulse.api.export import writer_process
from retailpulse.api.export.columns import workbook_layout
from retailpulse.api.export.writer_process import Exports
from retailpulse.api.export.xlsx_writer import FOLDER_PREFIX
from tests import processes
from tests.api.export.workbooks import command, opened, table
from tests.running import wait_for

ROW = b'{"a": "' + b"x" * 20_000 + b'"}\n'
HOUR = 3_600


@contextmanager
def writing(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program at work, with rows of which some are on the disk."""
    with subprocess.Popen(
        command({"a": "text"}, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(ROW * 600)
        process.stdin.flush()
        wait_for(lambda: any(path.stat().st_size for path in folder.glob("*/*")))
        try:
            yield process
        finally:
            process.kill()


def left_over(folder: Path, *, age_seconds: int) -> Path:
    """A folder as a process leaves it that was killed so long ago."""
    with writing(folder) as process:
        (left,) = folder.iterdir()
        process.kill()
        process.wait()
    os.utime(left, (time.time() - age_seconds,) * 2)
    return left


def test_a_process_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    with writing(tmp_path) as process:
        process.terminate()
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (128 + signal.SIGTERM, b"", b"")
    assert list(tmp_path.iterdir()) == []


async def test_a_process_that_does_not_end_when_it_is_told_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rows() -> AsyncIterator[bytes]:
        yield ROW * 600
        await asyncio.Event().wait()

    monkeypatch.setattr(writer_process, "END_SECONDS", 0.1)
    layout = workbook_layout("rows", {"a": "text"}, str(tmp_path))
    export = writer_process.written_by("xlsx_writer.py", layout, rows(), Exports(None).acquire("anyone"))
    first = asyncio.create_task(anext(export))
    await asyncio.to_thread(wait_for, lambda: list(tmp_path.glob("*/*")))
    (stopped,) = (pid for pid in processes.children(os.getpid()) if "xlsx_writer" in processes.command(pid))
    os.kill(stopped, signal.SIGSTOP)
    first.cancel()
    await asyncio.wait([first])
    await export.aclose()
    assert stopped not in processes.children(os.getpid())


def test_a_reader_that_leaves_ends_it_without_a_word(tmp_path: Path) -> None:
    with writing(tmp_path) as process:
        assert process.stdout is not None and process.stdin is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        assert process.wait(timeout=30) == 1
        assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    left = left_over(tmp_path, age_seconds=HOUR)
    with writing(tmp_path):
        assert not left.exists()


def test_the_folder_of_a_process_that_runs_is_kept(tmp_path: Path) -> None:
    with writing(tmp_path) as process:
        (used,) = tmp_path.iterdir()
        os.utime(used, (time.time() - HOUR,) * 2)
        with writing(tmp_path):
            assert used.exists()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        content = process.stdout.read()
    assert len(table(opened(content)["rows"])) == 600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    spool, other = tmp_path / "spool", tmp_path / "other"
    other.mkdir()
    spool.mkdir()
    (other / "kept").touch()
    os.utime(other, (time.time() - HOUR,) * 2)
    (spool / f"{FOLDER_PREFIX}link").symlink_to(other)
    run = subprocess.run(
        command({"a": "text"}, spool), input=ROW, capture_output=True, timeout=60, check=True
    )
    assert (len(table(opened(run.stdout)["rows"])), run.stderr) == (1, b"")
    assert (other / "kept").exists()


def test_a_disk_that_takes_no_more_is_told_and_gives_no_file(tmp_path: Path) -> None:
    """The limit of a file's size stands for a full disk: both fail in the middle of a write."""
    run = subprocess.run(
        command({"a": "text"}, tmp_path),
        input=ROW * 200,
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert (run.returncode, run.stdout) == (1, b"")
    assert run.stderr.decode() == f"XLSX: the temporary files in {tmp_path} failed: File too large\n"
    assert list(tmp_path.iterdir()) == []
