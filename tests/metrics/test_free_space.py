"""How much the database can still grow: by its capacity, by its disk, or not known."""

import os
from pathlib import Path

import pytest

from retailpulse.bootstrap.database import find_free_space
from retailpulse.config.settings import DatabaseSettings
from retailpulse.metrics.exposition import Metrics
from retailpulse.metrics.free_space import FreeSpace
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.metrics.scraping import parse, value
from tests.storage.scaling import SCALING

FREE = "retailpulse_database_free_bytes"


@pytest.mark.parametrize(("size_bytes", "left_bytes"), [(300, 700), (1_000, 0), (2_000, 0)])
def test_a_capacity_bounds_what_is_free(size_bytes: int, left_bytes: int) -> None:
    assert FreeSpace(capacity_bytes=1_000).left_bytes(size_bytes) == left_bytes


def test_a_database_grows_as_far_as_its_disk_and_its_capacity(tmp_path: Path) -> None:
    on_disk = os.statvfs(tmp_path)
    found = FreeSpace(folder=tmp_path).left_bytes(300)
    assert found is not None
    assert 0 < found <= on_disk.f_blocks * on_disk.f_frsize
    assert FreeSpace(folder=tmp_path, capacity_bytes=400).left_bytes(300) == 100


def test_nothing_is_known_of_a_folder_that_cannot_be_reached(tmp_path: Path) -> None:
    assert FreeSpace(folder=tmp_path / "none").left_bytes(300) is None
    assert FreeSpace().left_bytes(300) is None


def test_the_disk_of_the_data_directory_limits_the_embedded_database_alone(tmp_path: Path) -> None:
    settings = DatabaseSettings(data_dir=str(tmp_path), capacity_bytes=5)
    embedded = find_free_space(EmbeddedServer(tmp_path).url(), settings)
    assert embedded == FreeSpace(capacity_bytes=5, folder=tmp_path)
    assert find_free_space("postgresql://db.example/x", settings) == FreeSpace(capacity_bytes=5)


async def test_what_is_not_known_is_not_exported(database: Database) -> None:
    async def free(free_space: FreeSpace | None) -> list[float]:
        samples = parse((await Metrics(database, 8.0, SCALING, free_space).render("")).content.decode())
        assert value(samples, "retailpulse_database_size_bytes") > 1_000_000
        return [number for (name, _), number in samples.items() if name == FREE]

    assert await free(FreeSpace()) == await free(None) == []
    (known,) = await free(FreeSpace(capacity_bytes=2**50))
    assert known > 2**49
