"""How much the database can still grow: by its capacity, by its disk, or not known."""

import os
from pathlib import Path

import pytest

from retailpulse.config.settings import DatabaseSettings
from retailpulse.metrics.exposition import Metrics
from retailpulse.metrics.free_space import free_bytes
from retailpulse.storage.postgres.database import Database
from tests.metrics.scraping import parse, value

ELSEWHERE = "postgresql://db.example/retailpulse"
FREE = "retailpulse_database_free_bytes"


@pytest.mark.parametrize(("size_bytes", "free"), [(300, 700), (1_000, 0), (2_000, 0)])
def test_a_capacity_bounds_what_is_free(size_bytes: int, free: int) -> None:
    assert free_bytes(DatabaseSettings(url=ELSEWHERE, capacity_bytes=1_000), size_bytes) == free


def test_nothing_is_known_of_the_disk_of_a_database_elsewhere_or_of_a_folder_that_is_not_there(
    tmp_path: Path,
) -> None:
    assert free_bytes(DatabaseSettings(url=ELSEWHERE, data_dir=str(tmp_path)), 300) is None
    assert free_bytes(DatabaseSettings(data_dir=str(tmp_path / "none")), 300) is None


def test_the_embedded_database_grows_as_far_as_its_disk_and_its_capacity(tmp_path: Path) -> None:
    on_disk = os.statvfs(tmp_path)
    found = free_bytes(DatabaseSettings(data_dir=str(tmp_path)), 300)
    assert found is not None
    assert 0 < found <= on_disk.f_blocks * on_disk.f_frsize
    assert free_bytes(DatabaseSettings(data_dir=str(tmp_path), capacity_bytes=400), 300) == 100


async def test_what_is_not_known_is_not_exported(database: Database) -> None:
    async def free(settings: DatabaseSettings | None) -> list[float]:
        samples = parse((await Metrics(database, 8.0, settings).render("")).content.decode())
        assert value(samples, "retailpulse_database_size_bytes") > 1_000_000
        return [number for (name, _), number in samples.items() if name == FREE]

    assert await free(DatabaseSettings(url=ELSEWHERE)) == await free(None) == []
    (known,) = await free(DatabaseSettings(url=ELSEWHERE, capacity_bytes=2**50))
    assert known > 2**49
