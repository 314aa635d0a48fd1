"""Stores have coordinates."""

from alembic import op

revision = "0020"
down_revision = "0017"

SCHEMA = """
ALTER TABLE stores
    ADD COLUMN latitude double precision,
    ADD COLUMN longitude double precision,
    ADD CHECK ((latitude IS NULL) = (longitude IS NULL));
"""


def upgrade() -> None:
    """Adds the columns; stores of before have no coordinates."""
    op.execute(SCHEMA)
