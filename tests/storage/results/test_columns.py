"""The tables of a real database have the columns, and the types, that the schema says."""

import pytest

from retailpulse.schema import RESULT
from retailpulse.schema.columns import Column
from retailpulse.storage.postgres.database import Database

_NOT_SAID = {"job_id", "analyzed"}
"""Columns of results that are no field of a result: its job is in the address that it is asked for at."""


async def columns(database: Database, table: str) -> dict[str, tuple[str, bool]]:
    """The columns of a table: the type of each, and whether PostgreSQL makes its values."""
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT attname, format_type(atttypid, NULL), attgenerated <> '' FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return {name: (kind, is_generated) for name, kind, is_generated in await cursor.fetchall()}


@pytest.mark.parametrize("column", RESULT, ids=lambda column: column.name)
async def test_a_column_has_the_type_that_the_schema_says(database: Database, column: Column) -> None:
    found = await columns(database, column.stored.table)
    assert found[column.stored_name] == (column.sql_type, column.stored.is_generated)


async def test_the_table_of_results_has_no_column_that_the_schema_does_not_know(database: Database) -> None:
    known = {column.name for column in RESULT if column.stored.table == "results"}
    assert (await columns(database, "results")).keys() - known == _NOT_SAID
