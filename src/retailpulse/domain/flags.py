"""What may be wrong with a photo that could be measured; a flagged photo is measured, not failed."""

from enum import StrEnum


class Flag(StrEnum):
    """What a photo is flagged for: the same names in results, filters, reports and documents."""

    BLURRED = "blurred"
    SOFT = "soft"
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    BLANK = "blank"
    COPY = "copy"
    """An earlier photo is the same picture: see `domain.matches`."""
    SAME_SCENE = "same_scene"
    TIME_MISMATCH = "time_mismatch"
    FAR_FROM_STORE = "far_from_store"
    STALE = "stale"


FLAGS_OF_PICTURE = frozenset({Flag.BLURRED, Flag.SOFT, Flag.DARK, Flag.OVEREXPOSED, Flag.BLANK})
"""Flags of what is to be seen, which all images of one URL share; others depend on an image's visit, too."""
FLAGS_OF_VISIT = frozenset({Flag.TIME_MISMATCH, Flag.FAR_FROM_STORE, Flag.STALE})
"""Flags of the time and the place of a visit."""


class Clock(StrEnum):
    """What is wrong with the clock of a camera."""

    RESET = "reset"
    """It shows a time at which such clocks begin when they lost theirs."""
    IMPOSSIBLE = "impossible"
    """It shows a day or a time that does not exist."""
    CONTRADICTED = "contradicted"
    """It is more than 14 hours from the time of GPS."""
