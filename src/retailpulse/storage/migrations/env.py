"""Runs the migrations on the connection that `postgres.alembic_runner` hands over, all in one transaction."""

from alembic import context


def run() -> None:
    """Runs every migration that is missing."""
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()


run()
