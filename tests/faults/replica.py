"""A replica that follows a PostgreSQL by streaming, and takes its place."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from retailpulse.storage.postgres.os_user import hand_over, os_user_for
from retailpulse.storage.postgres.programs import program_environment, programs_for
from tests.faults.postgres import Postgres, ask
from tests.running import free_port, wait_for
from tests.storage.servers import OthersServer


class Replica:
    """A running replica; `url` leads to it over TCP."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def is_up(self) -> bool:
        """Whether it takes connections."""
        try:
            return ask(self.url, "SELECT pg_is_in_recovery()") == [(True,)]
        except psycopg.OperationalError:
            return False

    def has_all_of(self, primary: Postgres) -> bool:
        """Whether it has replayed whatever the primary had written when this was called."""
        ((written,),) = primary.ask("SELECT pg_current_wal_lsn()::text")
        ((has,),) = ask(self.url, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written)
        return bool(has)

    def promote(self) -> None:
        """Makes it the primary."""
        ask(self.url, "SELECT pg_promote()")


@contextmanager
def replica_of(primary: Postgres, folder: Path) -> Iterator[Replica]:
    """A replica with its files in `folder`, which runs while the block does."""
    data, port = folder / "postgres", free_port()
    folder.mkdir()
    programs = OthersServer(folder).program("pg_basebackup").parent
    copying = ["--dbname", primary.url, "--pgdata", str(data), "--write-recovery-conf", "--checkpoint=fast"]
    subprocess.run([str(programs / "pg_basebackup"), *copying], env=program_environment(), check=True)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"port = {port}\nunix_socket_directories = ''\n")
    account = os_user_for(data, folder)
    hand_over(data, account)
    with (folder / "replica.log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs_for(account, programs) / "postgres"), "-D", str(data)],
            stdout=log,
            stderr=log,
            cwd="/",
            env=program_environment(),
            **account.process_options(),
        )
        try:
            replica = Replica(port)
            wait_for(replica.is_up)
            yield replica
        finally:
            process.terminate()
            process.wait(60)
