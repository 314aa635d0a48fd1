"""Stores have coordinates, and results tell how far a photo is from its visit and its store."""

from alembic import op

revision = "0020"
down_revision = "0019"

SCHEMA = """
ALTER TABLE stores
    ADD COLUMN latitude double precision,
    ADD COLUMN longitude double precision,
    ADD CHECK ((latitude IS NULL) = (longitude IS NULL));

ALTER TABLE results
    ADD COLUMN hours_from_visit double precision,
    ADD COLUMN store_distance_m integer;
"""


def upgrade() -> None:
    """Adds the columns; stores of before have no coordinates, results none of the numbers."""
    op.execute(SCHEMA)
