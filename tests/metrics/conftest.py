"""What the tests of this room share: a PostgreSQL of their own."""

from tests.storage.servers import database, database_url, empty_url, folder, postgres

__all__ = ["database", "database_url", "empty_url", "folder", "postgres"]
