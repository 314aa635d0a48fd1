"""Decoding a body that looked complete: does it really become a picture?

JPEG by libjpeg-turbo in grey at 1/8 of its size, HEIC by libheif, the rest by Pillow; the first frame only,
and the picture is thrown away. Weak: for all but JPEG a picture of full size is held in memory.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from PIL import Image, UnidentifiedImageError

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Format
from retailpulse.measure import pillow
from retailpulse.measure.faults import corrupt, too_many_pixels, truncated, unsupported
from retailpulse.measure.formats import jpeg, png
from retailpulse.measure.process_pool.libraries import library
from retailpulse.measure.work import Work

_MAX_TEXT = 160
_OUT_OF_MEMORY = ("out of memory", "insufficient memory", "memory allocation")
"""What libjpeg, libheif and libavif say when memory runs out; other libraries name another failure."""


def decode(image_format: Format, body: bytes, max_pixels: int) -> str | None:
    """Decode a whole body that is no JPEG; says in a few words what looks damaged though it decodes.

    Raises ImageError `corrupt`, `truncated`, `unsupported_format` or `too_many_pixels`.
    """
    with _as_image_errors(image_format):
        return _DECODERS[image_format](body, max_pixels)


def decode_jpeg(body: bytes, frame: jpeg.Frame, scan: int | None, max_pixels: int) -> str | None:
    """Decode a whole JPEG, whose frame and first scan are found already; else as `decode`."""
    with _as_image_errors(Format.JPEG):
        if not frame.is_decodable:
            raise unsupported("this kind of JPEG (lossless, hierarchical or 12 bit) cannot be decoded")
        jpeg.check_scans(body, frame, scan)
        finding = _find_jpeg_damage(body, strict=True)
        return None if finding is None else _classify_jpeg_damage(finding, body, max_pixels)


@contextmanager
def _as_image_errors(image_format: Format) -> Iterator[None]:
    """Turns whatever a decoder raises into a verdict on the image."""
    try:
        yield
    except (ImageError, ImportError):  # a decoder that is not there says nothing about the image
        raise
    except MemoryError:
        raise _no_memory() from None
    except Image.DecompressionBombError:  # a decompression bomb: a few bytes that become a vast picture
        raise ImageError(Cause.TOO_MANY_PIXELS, "the picture is larger than its header says") from None
    except Exception as error:  # on bytes made to hurt, the decoders raise about anything there is
        raise _image_error(image_format, error) from None


def _classify_jpeg_damage(finding: str, body: bytes, max_pixels: int) -> str | None:
    """The text for `suspect`, or None if Pillow decodes it; raises ImageError `truncated`, MemoryError."""
    if _is_out_of_memory(finding):
        raise MemoryError
    if "Premature end of JPEG file" in finding:
        raise truncated("the JPEG's data ends before the picture does")
    if _find_jpeg_damage(body, strict=False) is None:
        return finding[:_MAX_TEXT]
    pillow.decode_first_frame("JPEG", body, max_pixels)  # knows samplings that the fast path does not
    return None


def _find_jpeg_damage(body: bytes, *, strict: bool) -> str | None:
    """What the JPEG decoder says against a body, or None; not strict, it overlooks what it can mend."""
    simplejpeg = library("simplejpeg")
    try:
        # 1/8 is the smallest scale there is: all of the entropy-coded data, and hardly a transform.
        simplejpeg.decode_jpeg(body, "GRAY", min_height=1, min_width=1, strict=strict)
    except ValueError as error:
        return str(error)
    return None


def _decode_png(body: bytes, max_pixels: int) -> str | None:
    pillow.decode_first_frame("PNG", body, max_pixels)
    return png.find_damage(body, Work())  # its end check went over the same chunks


def _decode_heic(body: bytes, max_pixels: int) -> None:
    pillow_heif = library("pillow_heif")
    pillow_heif.options.DECODE_THREADS = 1  # the worker's threads are parallel enough
    heif_file = pillow_heif.open_heif(body)
    image = heif_file[heif_file.primary_index]
    width, height = image.size
    if width * height > max_pixels:
        raise too_many_pixels(width, height, max_pixels)
    image.load()


def _decode_tiff(body: bytes, max_pixels: int) -> None:
    if body.startswith(b"MM\0+"):  # Pillow 13 takes it for a classic one
        raise unsupported("a big-endian BigTIFF cannot be decoded")
    pillow.decode_first_frame("TIFF", body, max_pixels)


def _decode_by_pillow(name: str, body: bytes, max_pixels: int) -> None:
    pillow.decode_first_frame(name, body, max_pixels)


_DECODERS: dict[Format, Callable[[bytes, int], str | None]] = {
    Format.PNG: _decode_png,
    Format.HEIC: _decode_heic,
    Format.TIFF: _decode_tiff,
    **{
        image_format: partial(_decode_by_pillow, image_format.name)
        for image_format in (Format.GIF, Format.WEBP, Format.BMP, Format.AVIF)
    },
}


def _image_error(image_format: Format, error: Exception) -> ImageError:
    text = " ".join(str(error).split())  # libheif ends its sentences with a line feed
    if _is_out_of_memory(text):
        return _no_memory()
    if isinstance(error, EOFError) or "truncated" in text:
        return truncated(f"the {image_format.name}'s data ends before the picture does")
    if isinstance(error, UnidentifiedImageError):  # its text names an object of this program
        text = "it is damaged, or of a kind that the decoder does not know"
    return corrupt(f"the {image_format.name} cannot be decoded: {text[:_MAX_TEXT]}")


def _is_out_of_memory(text: str) -> bool:
    return any(words in text.lower() for words in _OUT_OF_MEMORY)


def _no_memory() -> ImageError:
    return ImageError(Cause.TOO_MANY_PIXELS, "the picture does not fit into memory")
