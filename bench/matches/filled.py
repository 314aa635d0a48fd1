"""A database full of known photos, and what its server spends: CPU time of a session, bytes of a table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg

from bench.matches.hashes import Bits, HashSource, digests_of, keys_of
from bench.scratch_process import ScratchProcess
from retailpulse.domain import fingerprints
from retailpulse.domain.fingerprints import Part, build
from retailpulse.storage.postgres.embedded import EmbeddedServer
from retailpulse.storage.postgres.migrate import migrate

PARTS = 4
"""Hashes of a photo: of the whole, and of three inner parts."""
JOB = "00000000-0000-7000-8000-000000000001"
_BEGIN = 1_700_000_000 * 250 << 23
_KEYS = [f"k{band}" for band in range(1, fingerprints.BANDS + 1)]


class Server:
    """A PostgreSQL with our tables."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = EmbeddedServer(folder)
        self._running.start()
        migrate(self.url)

    @property
    def url(self) -> str:
        """The URL of the owner of the tables."""
        return self._running.url_of_owner()

    def begin_anew(self, *, is_compressing: bool = False) -> None:
        """Stops it, which is a checkpoint, and starts it: the first change of each page is logged whole.

        `is_compressing`: these pages are compressed by pglz.
        """
        self._running.stop()
        with (self._folder / "postgres" / "postgresql.conf").open("a") as file:
            file.write(f"wal_compression = {'pglz' if is_compressing else 'off'}\n")
        self._running = EmbeddedServer(self._folder)
        self._running.start()

    def stop(self) -> None:
        """Stops it for ever."""
        self._running.stop()


@contextmanager
def server() -> Iterator[Server]:
    """A server in a folder that is gone in the end."""
    with ScratchProcess("matches") as scratch:
        running = Server(scratch.folder / "data")
        try:
            yield running
        finally:
            running.stop()


def place_of(photo_id: int) -> int:
    """The place of a photo in the order of submits, a job for each."""
    return _BEGIN + (photo_id << 23)


def fill(connection: psycopg.Connection, source: HashSource, rows: int) -> None:
    """Makes photos with so many hashes in all known, before there are indexes on their keys."""
    with connection.transaction():
        names = [name for (name,) in _asked(connection, _INDEXES)]
        connection.execute("SET LOCAL maintenance_work_mem = '400MB'")
        indexes = [text for (text,) in _asked(connection, _DEFINITIONS)]
        for name in names:
            connection.execute(f"DROP INDEX {name}".encode())
        first = 0
        for bits in source.chunks(rows):
            _copy(connection, bits, first)
            first += len(bits)
        for index in indexes:
            connection.execute(index.encode())
        connection.execute(
            "INSERT INTO jobs (job_id, status, depth, images) VALUES (%s, 'ongoing', 'decode', 1)", [JOB]
        )
        connection.execute(
            "INSERT INTO known_photos (photo_id, place, visit_key, job_id, image_no, visit_no, store_id)"
            " OVERRIDING SYSTEM VALUE SELECT n, %s + (n << 23), n, %s, n, n, 'S' || n %% 1000"
            " FROM generate_series(0, %s) n",
            [_BEGIN, JOB, (rows - 1) // PARTS],
        )
    connection.execute("VACUUM ANALYZE fingerprints")
    connection.execute("VACUUM ANALYZE known_photos")


_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'fingerprints'::regclass"
_DEFINITIONS = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'fingerprints'::regclass"


def _asked(connection: psycopg.Connection, query: str) -> Sequence[tuple[str]]:
    return connection.execute(query.encode()).fetchall()


def _copy(connection: psycopg.Connection, bits: Bits, first: int) -> None:
    """Writes rows in PostgreSQL's binary format, all of them at once."""
    fields = [("photo_id", ">i8"), ("place", ">i8"), *((name, ">i4") for name in _KEYS)]
    layout = [("fields", ">i2"), ("hash_size", ">i4"), ("hash_bits", ">i4"), ("hash", "V32")]
    layout += [item for name, kind in fields for item in ((f"{name}_size", ">i4"), (name, kind))]
    rows = np.zeros(len(bits), dtype=layout)
    photo_ids = (first + np.arange(len(bits))) // PARTS
    rows["fields"], rows["hash_size"], rows["hash_bits"] = 1 + len(fields), 36, 256
    rows["hash"] = np.packbits(bits, axis=1).view("V32").reshape(-1)
    values = {"photo_id": photo_ids, "place": _BEGIN + (photo_ids << 23)}
    values |= dict(zip(_KEYS, keys_of(bits).T, strict=True))
    for name, kind in fields:
        rows[f"{name}_size"], rows[name] = int(kind[2]), values[name]
    columns = ", ".join(["hash", *(name for name, _ in fields)])
    with connection.cursor().copy(
        f"COPY fingerprints ({columns}) FROM STDIN (FORMAT binary)".encode()
    ) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def fingerprint_of(bits: Bits) -> bytes:
    """The fingerprint of the hashes of one photo, a row each, the whole first."""
    whole, *inner = digests_of(bits)
    parts = [(Part.KEPT | Part.EXACT, digest) for digest in inner]
    return build([(Part.KEPT | Part.ASKED, whole), *parts])


def cpu_seconds(process_id: int) -> float:
    """The CPU time that a process has had, to the microsecond."""
    return int(Path(f"/proc/{process_id}/schedstat").read_text().split()[0]) / 1e9


def sizes(connection: psycopg.Connection) -> dict[str, int]:
    """Bytes on disk of what is kept of photos."""
    found = connection.execute(
        "SELECT pg_relation_size('fingerprints'), pg_indexes_size('fingerprints'),"
        " pg_total_relation_size('known_photos')"
    ).fetchone()
    assert found is not None
    return dict(zip(("hashes", "indexes of hashes", "photos"), found, strict=True))
