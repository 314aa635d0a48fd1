"""Decoding a body that looked complete: does it really become a picture?

Each format brings its decoder (`formats`); what one raises becomes a verdict on the image (`decoder_texts`).
Weak: for all but JPEG a picture of full size is held in memory.
"""

from functools import partial

from PIL import Image

from retailpulse.analyze import Picture
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.measure.decoder_texts import image_error_of, no_memory
from retailpulse.measure.formats.damage import damage_of
from retailpulse.measure.formats.image_format import ImageFormat, S


def decode(image_format: ImageFormat[S], body: bytes, size: S, max_pixels: int) -> Picture:
    """The picture that a whole body becomes.

    Raises ImageError `corrupt`, `truncated`, `unsupported_format` or `too_many_pixels`, and ImportError if
    the format's library is missing.
    """
    picture = _decode(image_format, body, size, max_pixels)
    picture.search = partial(damage_of, body, size, image_format.find_damage)
    return picture


def _decode(image_format: ImageFormat[S], body: bytes, size: S, max_pixels: int) -> Picture:
    try:
        return image_format.decode(body, size, max_pixels)
    except ImageError:
        raise
    except ImportError as error:  # a decoder that is not there says nothing about the image, but
        image_format.load()  # one that is there may want to load more, which a confined process cannot
        raise image_error_of(error, image_format.name.name) from None
    except MemoryError:
        raise no_memory() from None
    except Image.DecompressionBombError:  # a decompression bomb: a few bytes that become a vast picture
        raise ImageError(Cause.TOO_MANY_PIXELS, "the picture is larger than its header says") from None
    except Exception as error:  # on bytes made to hurt, the decoders raise about anything there is
        raise image_error_of(error, image_format.name.name) from None
