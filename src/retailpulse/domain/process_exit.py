"""How a process ended, in words that stand in the detail of a result, which clients read."""

import signal


def how_it_ended(code: int) -> str:
    """What follows the name of a process: by its exit code, or by a signal if that is negative."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.strsignal(-code)
    except ValueError:
        name = None
    return f"was killed by signal {-code}" + (f" ({name.lower()})" if name else "")
