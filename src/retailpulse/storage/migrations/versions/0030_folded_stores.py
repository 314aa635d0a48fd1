"""Ids and names of stores as they are searched, where they hold letters beyond ASCII."""

from alembic import op

revision = "0030"
down_revision = "0029"

SCHEMA = """
-- The id and the name as `domain.texts.folded` makes them, a line each: an import writes it, as to fold half
-- a million names takes the database seconds. Null where both are ASCII, and for stores of before until their
-- next import.
ALTER TABLE stores ADD COLUMN folded text;
"""


def upgrade() -> None:
    """Adds the column."""
    op.execute(SCHEMA)
