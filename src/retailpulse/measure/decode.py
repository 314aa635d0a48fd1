"""Decoding a body that looked complete: does it really become a picture?

Each format brings its decoder (`formats`); what a decoder raises becomes a verdict on the image here.
Weak: for all but JPEG a picture of full size is held in memory.
"""

from PIL import Image, UnidentifiedImageError

from retailpulse.analyze import Picture
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.measure.formats.faults import MAX_DETAIL, corrupt, is_out_of_memory, truncated
from retailpulse.measure.formats.image_format import ImageFormat, S


def decode(image_format: ImageFormat[S], body: bytes, size: S, max_pixels: int) -> Picture:
    """The picture that a whole body becomes.

    Raises ImageError `corrupt`, `truncated`, `unsupported_format` or `too_many_pixels`, and ImportError if
    the format's library is missing.
    """
    try:
        return image_format.decode(body, size, max_pixels)
    except ImageError:
        raise
    except ImportError as error:  # a decoder that is not there says nothing about the image, but
        image_format.load()  # one that is there may want to load more, which a confined process cannot
        raise _image_error(image_format, error) from None
    except MemoryError:
        raise _no_memory() from None
    except Image.DecompressionBombError:  # a decompression bomb: a few bytes that become a vast picture
        raise ImageError(Cause.TOO_MANY_PIXELS, "the picture is larger than its header says") from None
    except Exception as error:  # on bytes made to hurt, the decoders raise about anything there is
        raise _image_error(image_format, error) from None


def _image_error(image_format: ImageFormat[S], error: Exception) -> ImageError:
    name = image_format.name.name
    text = " ".join(str(error).split())  # libheif ends its sentences with a line feed
    if is_out_of_memory(text):
        return _no_memory()
    if isinstance(error, EOFError) or "truncated" in text:
        return truncated(f"the {name}'s data ends before the picture does")
    if isinstance(error, UnidentifiedImageError | ImportError):  # their texts are about this program
        text = "it is damaged, or of a kind that the decoder does not know"
    return corrupt(f"the {name} cannot be decoded: {text[:MAX_DETAIL]}")


def _no_memory() -> ImageError:
    return ImageError(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")
