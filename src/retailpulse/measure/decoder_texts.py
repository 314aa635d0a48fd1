"""What a decoder's exception says of an image: the cause, and words about the picture alone.

No text of a library is passed on, as it names its functions, constants and classes. Weak: a text that no
line of the table knows is told as damage of any kind.
"""

import re

from PIL import UnidentifiedImageError

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.measure.formats.faults import is_out_of_memory, truncated

_ANY = "it is damaged, or of a kind that the decoder does not know"
_DATA = "the data of its picture are damaged"
_STRUCTURE = "its structure is damaged"
_MAIN = "its main picture is missing"
_PARTS = "it has more parts than any picture needs"
_SIZE = "its data are of another size than it says"
_KIND = "it is coded in a way that the decoder does not know"
_UNKNOWN_KIND = r"not been built in|unsupported|not supported|not implemented|no codec"
_TABLE = tuple(
    (re.compile(pattern, re.IGNORECASE), cause, said)
    for pattern, cause, said in (
        # Limits of libheif on the parts of a file, which it calls errors of memory, and on the size.
        (r"limits?\b.* (items|references|entries|entities|tiles)|nesting|too many", Cause.CORRUPT, _PARTS),
        (r"maximum image size|size too large", Cause.TOO_MANY_PIXELS, ""),
        (
            r"not been built in|unsupported|not supported|not implemented|no codec",
            Cause.UNSUPPORTED_FORMAT,
            _KIND,
        ),
        (r"image index|primary item|'pitm' box|image item", Cause.CORRUPT, _MAIN),
        (r"size signaled|another size", Cause.CORRUPT, _SIZE),
        (r"data stream|decompressed|planes failed|next frame|decoder error", Cause.CORRUPT, _DATA),
        (r"invalid input|decoder object|tile|offset", Cause.CORRUPT, _STRUCTURE),
    )
)


def image_error_of(error: Exception, name: str) -> ImageError:
    """What is wrong with an image of a format whose decoder raised this."""
    text = " ".join(str(error).split())  # libheif ends its sentences with a line feed
    if isinstance(error, EOFError) or "truncated" in text.casefold():
        return truncated(f"the {name}'s data ends before the picture does")
    if isinstance(error, UnidentifiedImageError | ImportError):  # their texts are about this program
        return _failed(name, Cause.CORRUPT, _ANY)
    for pattern, cause, said in _TABLE:
        if pattern.search(text):
            return _failed(name, cause, said)
    return no_memory() if is_out_of_memory(text) else _failed(name, Cause.CORRUPT, _ANY)


def no_memory() -> ImageError:
    """An image that this machine has no memory for."""
    return ImageError(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")


def _failed(name: str, cause: Cause, said: str) -> ImageError:
    return ImageError(cause, f"the {name} cannot be decoded: {said}") if said else no_memory()
