"""The size of a picture, as the reader of a format finds it; checking it is `header`'s."""

from typing import NamedTuple


class Size(NamedTuple):
    """Stored width and height in pixels.

    `turned` says whether viewers show the picture with both swapped; None if more bytes are needed
    to tell.
    """

    width: int
    height: int
    turned: bool | None
