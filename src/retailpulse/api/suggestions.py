"""Says of a name that is not known which one may be meant; who refuses it is elsewhere."""

import difflib
from collections.abc import Sequence

MOST_CHARACTERS = 100
"""A longer name is cut before others are held against it, which costs the square of its length."""


def unknown_name(name: str, known: Sequence[str], what: str) -> str:
    """Why a name is refused: `unknown parameter; did you mean limit?`, or all that are known."""
    near = difflib.get_close_matches(name[:MOST_CHARACTERS].lower(), known, n=1)
    if near:
        return f"unknown {what}; did you mean {near[0]}?"
    known_names = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    return f"unknown {what}; {known_names if known else 'there is none'}"
