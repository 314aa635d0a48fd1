"""Telling the format from the first bytes, never from a name or a Content-Type.

Also puts a name to what is no accepted image, so that the error helps. Weak: those names are guesses
for people to read; nothing depends on them.
"""

from typing import Any

from retailpulse.domain.errors import ImageError
from retailpulse.measure.formats import ALL
from retailpulse.measure.formats.faults import truncated, unsupported
from retailpulse.measure.formats.image_format import SNIFF_BYTES, ImageFormat
from retailpulse.measure.formats.work import Work

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


def sniff(data: bytes, work: Work) -> ImageFormat[Any] | None:
    """The format of an image, or None if more bytes are needed; raises ImageError for anything else."""
    for image_format in ALL:
        if len(data) < image_format.least_bytes:
            continue
        if data.startswith(image_format.starts, image_format.starts_at):
            is_it = image_format.is_it(data, work)
            if is_it:
                return image_format
            if is_it is None:
                return None
    if len(data) < SNIFF_BYTES:
        return None
    raise _no_image(data)


def ended_early(data: bytes) -> ImageError:
    """Why a whole body is no image although its header could not be told apart from a longer one's."""
    if not data:
        return unsupported("not an image: the body is empty")
    if any(_may_begin(image_format, data) for image_format in ALL):
        return truncated(f"the image ends inside its header, after {len(data)} bytes")
    return _no_image(data)


def _may_begin(image_format: ImageFormat[Any], data: bytes) -> bool:
    """Whether data that ends early has the magic bytes of a format, or begins as a file of it does."""
    if image_format.starts_at:
        return data.startswith(image_format.starts, image_format.starts_at)
    return any(start.startswith(data[: len(start)]) for start in image_format.starts)


def _no_image(data: bytes) -> ImageError:
    return unsupported(f"not an image: looks like {_describe(data[:1024])}")


def _describe(start: bytes) -> str:
    if start[4:8] == b"ftyp":
        return "an MP4 or QuickTime video"
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
