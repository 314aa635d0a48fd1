"""The verdicts this room gives on an image, each one an ImageError by its cause.

The details are read by clients: they describe the bytes, never this program or this machine.
"""

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause

MAX_DETAIL = 160
"""So much of what a decoder says is kept, in characters."""
_NO_MEMORY = ("out of memory", "insufficient memory", "memory allocation")
"""What libjpeg, libheif and libavif say when memory runs out; other libraries name another failure."""


def corrupt(detail: str) -> ImageError:
    """The bytes break the rules of their format."""
    return ImageError(Cause.CORRUPT, detail)


def truncated(detail: str) -> ImageError:
    """The bytes end before the picture does."""
    return ImageError(Cause.TRUNCATED, detail)


def unsupported(detail: str) -> ImageError:
    """The bytes are no image, or one of a kind that is not accepted."""
    return ImageError(Cause.UNSUPPORTED_FORMAT, detail)


def too_many_pixels(width: int, height: int, max_pixels: int) -> ImageError:
    """The picture is larger than the limit."""
    return ImageError(
        Cause.TOO_MANY_PIXELS, f"{width} x {height} pixels are over the limit of {max_pixels} pixels"
    )


def is_out_of_memory(text: str) -> bool:
    """Whether what a decoder says means that it ran out of memory."""
    return any(words in text.lower() for words in _NO_MEMORY)
