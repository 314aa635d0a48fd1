"""The embedded PostgreSQL: where it may live, how it starts after anything, and that it goes away."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.processes import children, stat
from tests.running import wait_for


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory, made once: that takes a second. Each test has it moved to where it wants it."""
    folder = Path(tempfile.mkdtemp(prefix="retailpulse-test-"))
    server = EmbeddedServer(folder / "data")
    server.start()
    server.stop()
    yield folder / "data"
    shutil.rmtree(folder)


@contextmanager
def at(made: Path, place: Path) -> Iterator[Path]:
    """Moves the data to a place, and back once no server runs there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made.rename(place)
    try:
        yield place
    finally:
        EmbeddedServer(place).stop()
        place.rename(made)


@pytest.fixture
def data(made: Path, folder: Path) -> Iterator[Path]:
    with at(made, folder / "data") as data:
        yield data


@pytest.fixture
def server(data: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data)
    yield server
    server.stop()


def answer(url: str) -> int:
    """The first process of the server that answers."""
    with psycopg.connect(url) as connection:
        return int(stat(connection.info.backend_pid)[1])


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def kill_all(data: Path) -> None:
    """Kills a server and its processes all at once, as a power cut does."""
    pid = postmaster(data)
    for number in (pid, *children(pid)):
        with suppress(ProcessLookupError):  # one that saw its postmaster die may have been faster
            os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize(
    "name", ["with spaces", 'one\'s "quoted" %20 $HOME', "a,b,c", "é漢", "x" * 120 + "/" + "y" * 120]
)
def test_any_path_will_do(made: Path, folder: Path, name: str) -> None:
    with at(made, folder / name) as data:
        server = EmbeddedServer(data)
        assert answer(server.start()) == postmaster(data)
        server.stop()
        assert not server.is_running()


def test_a_socket_outside_of_the_data_is_removed_at_the_stop(made: Path, folder: Path) -> None:
    with at(made, folder / ("z" * 200)) as data:
        server = EmbeddedServer(data)
        server.start()
        sockets = Path((data / "postgres" / "postmaster.pid").read_text().splitlines()[4])
        assert sockets.is_dir()
        assert not sockets.is_relative_to(folder)
        server.stop()
        assert not sockets.exists()


def test_two_data_directories_have_two_servers(
    data: Path, server: EmbeddedServer, postgres: EmbeddedServer
) -> None:
    assert answer(server.start()) == postmaster(data)
    assert answer(postgres.url()) == postmaster(postgres.data_dir)
    server.stop()
    assert (server.is_running(), postgres.is_running()) == (False, True)


def test_a_running_server_is_found_and_stopped_by_another_handle(server: EmbeddedServer, data: Path) -> None:
    server.start()
    before = postmaster(data)
    other = EmbeddedServer(data)
    assert other.is_running()
    other.start()
    assert postmaster(data) == before
    other.stop()
    wait_for(lambda: not server.is_running())  # the parent hears of it last


def test_a_server_that_was_killed_with_all_its_processes_starts_again(
    server: EmbeddedServer, data: Path
) -> None:
    server.start()
    with psycopg.connect(server.url_of_owner(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        kill_all(data)
    wait_for(lambda: not server.is_running())
    server.start()
    with psycopg.connect(server.url_of_owner()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_server_starts_while_the_processes_of_a_killed_one_are_still_there(
    server: EmbeddedServer, data: Path
) -> None:
    log = data / "postgres" / "server.log"
    with psycopg.connect(server.start()) as connection, ThreadPoolExecutor(1) as threads:
        pid = connection.info.backend_pid
        os.kill(pid, signal.SIGSTOP)  # it cannot notice that its postmaster is dead
        try:
            os.kill(postmaster(data), signal.SIGKILL)
            wait_for(lambda: not server.is_running())
            starting = threads.submit(server.start)
            wait_for(lambda: "shared memory block" in log.read_text())
        finally:
            os.kill(pid, signal.SIGCONT)
        answer(starting.result())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT, signal.SIGINT])
def test_a_server_that_is_ended_while_it_starts_is_started_anew(
    server: EmbeddedServer, data: Path, number: signal.Signals
) -> None:
    notes = data / "postgres" / "postmaster.pid"
    with ThreadPoolExecutor(1) as threads:
        starting = threads.submit(server.start)
        wait_for(lambda: notes.exists() and notes.read_text().split())
        os.kill(postmaster(data), number)
        answer(starting.result())


@pytest.mark.parametrize("name", ["postmaster.pid", ".s.PGSQL.5432.lock"])
def test_a_server_that_was_killed_before_it_wrote_its_lock_file_is_started_anew(
    server: EmbeddedServer, data: Path, name: str
) -> None:
    server.start()
    kill_all(data)
    wait_for(lambda: not server.is_running())
    (data / "postgres" / name).write_text("")
    answer(server.start())


def test_the_number_of_a_dead_server_may_belong_to_another_process(
    server: EmbeddedServer, data: Path
) -> None:
    server.start()
    kill_all(data)
    account = server.os_user()
    with subprocess.Popen(["sleep", "600"], **account.process_options()) as other:
        try:
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                path = data / "postgres" / name
                lines = path.read_text().splitlines(keepends=True)
                path.write_text("".join([f"{other.pid}\n", *lines[1:]]))
            assert not EmbeddedServer(data).is_running()
            answer(server.start())
        finally:
            other.kill()


def test_a_query_ends_soon_after_its_client_is_gone(server: EmbeddedServer) -> None:
    url = server.start()
    client = psycopg.connect(url)
    client.pgconn.send_query(b"SELECT pg_sleep(600)")
    at_it = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    with psycopg.connect(url, autocommit=True) as connection:
        wait_for(lambda: connection.execute(at_it).fetchone() == (1,))
        client.close()
        wait_for(lambda: connection.execute(at_it).fetchone() == (0,))


def test_what_an_interrupted_making_left_is_swept_away(folder: Path) -> None:
    left = folder / "data" / "postgres.new-abc"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(folder / "data")
    try:
        answer(server.start())
    finally:
        server.stop()
    assert sorted(path.name for path in (folder / "data").iterdir()) == ["postgres"]


def test_a_start_that_fails_says_what_the_server_said(server: EmbeddedServer, data: Path) -> None:
    configuration = data / "postgres" / "postgresql.conf"
    kept = configuration.read_text()
    configuration.write_text(kept + "no_such_setting = 1\n")
    with pytest.raises(DatabaseError, match="no_such_setting"):
        server.start()
    configuration.write_text(kept)


def test_data_of_another_major_version_is_refused(server: EmbeddedServer, data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DatabaseError, match=r"made by PostgreSQL 17; this program brings 18.*Dump"):
        server.start()
    (data / "postgres" / "PG_VERSION").write_text("18\n")


def test_a_data_directory_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").touch()
    with (
        pytest.raises(DatabaseError, match=r"the data directory .* cannot be used"),
        EmbeddedServer(folder / "file" / "data").locked(),
    ):
        pass


def test_a_stop_makes_a_start_give_up(server: EmbeddedServer, data: Path) -> None:
    failed = []

    def start() -> None:
        try:
            server.start()
        except DatabaseError as error:
            failed.append(str(error))

    (data / "postgres" / "retailpulse.conf").unlink()
    starting = threading.Thread(target=start)
    starting.start()
    wait_for((data / "postgres" / "retailpulse.conf").exists)
    server.stop()
    starting.join()
    assert not server.is_running()
    with pytest.raises(DatabaseError, match="stopped before it is ready"):
        server.start()
    assert not server.is_running()


def test_only_one_process_holds_a_data_directory(data: Path) -> None:
    with (
        EmbeddedServer(data).locked(),
        pytest.raises(DatabaseError, match=rf"in use by another .* \(process {os.getpid()}\)"),
        EmbeddedServer(data).locked(),
    ):
        pass
    with EmbeddedServer(data).locked():
        pass
