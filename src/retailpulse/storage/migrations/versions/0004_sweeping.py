"""Nothing any more: it had indexes for messages of chunks, whose table 0013 drops."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Does nothing."""
