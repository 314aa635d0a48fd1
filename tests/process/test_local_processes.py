"""The processes of the service are found by their command lines, and numbered as they were started."""

from pathlib import Path

from retailpulse.process.local_processes import local_processes


def add(proc: Path, pid: int, parent: int, started: int, *words: str) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "cmdline").write_bytes(b"".join(f"{word}\0".encode() for word in words))
    fields = ["S", str(parent), *["0"] * 17, str(started), "0"]
    (proc / str(pid) / "stat").write_text(f"{pid} (a name) with ) {' '.join(fields)}")


def test_api_and_workers_are_named_by_parent_and_in_the_order_of_their_start(tmp_path: Path) -> None:
    add(tmp_path, 10, 1, 5, "python", "-m", "retailpulse", "serve")
    add(tmp_path, 30, 10, 60, "python", "-m", "retailpulse", "worker", "--parent-fd", "7")
    add(tmp_path, 40, 10, 50, "python", "-m", "retailpulse", "worker", "--parent-fd", "7")
    add(tmp_path, 20, 10, 55, "python", "-m", "retailpulse", "api", "--parent-fd", "7")
    add(tmp_path, 50, 2, 70, "/usr/bin/python3", "/opt/bin/retailpulse", "worker")
    add(tmp_path, 60, 2, 70, "vim", "worker")
    add(tmp_path, 70, 2, 70, "python", "-m", "retailpulse", "profile", "worker")
    (tmp_path / "80").mkdir()  # has ended meanwhile
    (tmp_path / "sys").mkdir()
    found = [(one.name, one.pid, one.parent) for one in local_processes(tmp_path)]
    assert found == [("worker-1", 50, 2), ("api", 20, 10), ("worker-1", 40, 10), ("worker-2", 30, 10)]
