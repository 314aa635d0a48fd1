"""What a loop that outlives errors owes to a cancellation.

A library may raise an error of its own in place of a CancelledError, as psycopg does if the database answers
a query with a deadlock while it is being cancelled. A loop that went on after that would never end.
"""

import asyncio


def end_if_cancelled(error: BaseException) -> None:
    """Raises CancelledError if the current task is being cancelled, whatever error has come instead."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
