"""Telling the format from the first bytes, never from a name or a Content-Type.

Also puts a name to what is no accepted image, so that the error helps. Weak: those names are guesses
for people to read; nothing depends on them.
"""

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Format
from retailpulse.measure.faults import truncated, unsupported
from retailpulse.measure.formats import bmp
from retailpulse.measure.work import Work

SNIFF_BYTES = 12
"""The fewest bytes that tell most formats; BMP and the ISO containers take a few more."""

_MAX_FTYP_BYTES = 4096
_STARTS = (
    ((b"\x89PNG\r\n\x1a\n",), Format.PNG),
    ((b"GIF87a", b"GIF89a"), Format.GIF),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), Format.TIFF),
)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BARE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})  # name the container, not the codec

_ACCEPTED_STARTS = (b"\xff\xd8\xff", b"RIFF", b"BM", *(start for starts, _ in _STARTS for start in starts))
_KNOWN_STARTS = (
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\x01\0", "a Windows icon"),
    (b"RIFF", "audio or video in RIFF"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"{", "JSON"),
)


def sniff(data: bytes, work: Work) -> Format | None:
    """The format of an image, or None if more bytes are needed; raises ImageError for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if len(data) < SNIFF_BYTES:
        return None
    for starts, image_format in _STARTS:
        if data.startswith(starts):
            return image_format
    return _sniff_weak_start(data, work)


def ended_early(data: bytes) -> ImageError:
    """Why a whole body is no image although its header could not be told apart from a longer one's."""
    if not data:
        return unsupported("not an image: the body is empty")
    if any(start.startswith(data[: len(start)]) for start in _ACCEPTED_STARTS) or data[4:8] == b"ftyp":
        return truncated(f"the image ends inside its header, after {len(data)} bytes")
    return _no_image(data)


def _sniff_weak_start(data: bytes, work: Work) -> Format | None:
    """The formats whose first bytes alone do not tell them."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Format.WEBP
    if data[4:8] == b"ftyp":
        return _sniff_brands(data, work)
    if data.startswith(b"BM"):
        return _sniff_bmp(data)
    raise _no_image(data)


def _sniff_brands(data: bytes, work: Work) -> Format | None:
    end = min(int.from_bytes(data[:4]), _MAX_FTYP_BYTES)
    if len(data) < end:
        return None
    work.spend(end // 4)
    major = data[8:12]
    brands = [major, *(data[at : at + 4] for at in range(16, end - 3, 4))]
    for brand in brands:
        if brand in _HEIC_BRANDS:
            return Format.HEIC
        if brand in _AVIF_BRANDS:
            return Format.AVIF
    if not _BARE_BRANDS.isdisjoint(brands):
        return Format.HEIC
    raise unsupported("not an image: looks like an MP4 or QuickTime video")


def _sniff_bmp(data: bytes) -> Format | None:
    known = bmp.has_known_header(data)
    if known is False:
        raise _no_image(data)
    return Format.BMP if known else None


def _no_image(data: bytes) -> ImageError:
    return unsupported(f"not an image: looks like {_describe(data[:1024])}")


def _describe(start: bytes) -> str:
    for prefix, name in _KNOWN_STARTS:
        if start.startswith(prefix):
            return name
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "HTML"
    if b"<svg" in text:
        return "SVG, which is not accepted"
    if text.startswith(b"<"):
        return "XML or HTML"
    return "text" if _is_text(start) else "unknown data"


def _is_text(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # a letter may be cut at the end
            return False
    return all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in start)
