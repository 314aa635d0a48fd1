"""What may be wrong with a photo that could be measured; a flagged photo is measured, not failed."""

from enum import StrEnum


class Flag(StrEnum):
    """What a photo is flagged for: the same names in results, filters, reports and documents."""

    BLURRED = "blurred"
    SOFT = "soft"
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    BLANK = "blank"


FLAGS_OF_PIXELS = frozenset({Flag.BLURRED, Flag.SOFT, Flag.DARK, Flag.OVEREXPOSED, Flag.BLANK})
"""The flags that a picture raises by itself; all others depend on what else is known of its visit."""


class Clock(StrEnum):
    """What is wrong with the clock of a camera."""

    RESET = "reset"
    """It shows a time at which such clocks begin when they lost theirs."""
    IMPOSSIBLE = "impossible"
    """It shows a day or a time that does not exist."""
    CONTRADICTED = "contradicted"
    """It is more than 14 hours from the time of GPS."""
