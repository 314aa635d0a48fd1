"""The embedded server keeps pages in a share of the memory that there is, within limits."""

from pathlib import Path

import pytest

from retailpulse.storage.postgres.database import Database
from retailpulse.storage.postgres.page_memory import LEAST_MB, MOST_MB, page_memory_mb


@pytest.mark.parametrize(
    ("limit", "expected"), [(str(2**30), LEAST_MB), (str(2 * 2**30), 128), (str(2**20), LEAST_MB)]
)
def test_a_container_gives_a_sixteenth_of_its_memory(tmp_path: Path, limit: str, expected: int) -> None:
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    assert page_memory_mb(file) == expected


def test_without_a_limit_the_machine_decides(tmp_path: Path) -> None:
    unlimited = tmp_path / "memory.max"
    unlimited.write_text("max\n")
    assert LEAST_MB <= page_memory_mb(unlimited) == page_memory_mb(tmp_path / "none") <= MOST_MB


async def test_the_embedded_server_has_as_much(database: Database) -> None:
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT setting::int / 128 FROM pg_settings WHERE name = 'shared_buffers'"
        )
        assert await cursor.fetchall() == [(page_memory_mb(),)]
