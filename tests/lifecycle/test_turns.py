"""The workers of one `serve` share the file by which they take turns at vast pictures."""

from pathlib import Path

from tests.lifecycle.processes import Shop


def turn_files(pid: int) -> set[int]:
    """The files of that name that a process holds, by their numbers."""
    entries = list(Path(f"/proc/{pid}/fd").iterdir())
    return {entry.stat().st_ino for entry in entries if str(entry.readlink()).startswith("/memfd:turn")}


def test_workers_share_the_file_of_their_turns(shop: Shop) -> None:
    workers = shop.serve(workers=2).pids()["worker"]
    files = [turn_files(pid) for pid in workers]
    assert len(workers) == 2
    assert files[0] == files[1]
    assert len(files[0]) == 1
