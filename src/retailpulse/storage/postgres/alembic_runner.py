"""Runs the migrations that a schema lacks, by alembic."""

from collections.abc import Callable
from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool


def upgrade(connect: Callable[[], psycopg.Connection]) -> None:
    """Brings a schema of any known version to the newest, in one transaction of a connection of its own.

    Raises psycopg's errors.
    """
    configuration = Config()
    configuration.set_main_option(
        "script_location", str(files("retailpulse.storage") / "migrations").replace("%", "%%")
    )
    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
            connection.commit()
    except DBAPIError as error:
        raise (error.orig or error) from error
