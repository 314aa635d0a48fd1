"""JPEG: read by its markers (`jpeg_markers`), decoded by libjpeg-turbo in grey at 1/8 of its size.

Decoded strictly first, as damage shows only so; then leniently; then by Pillow, which knows more samplings.
"""

from typing import Any

from retailpulse.analyze import GreyImage, Picture
from retailpulse.domain.images import Format
from retailpulse.measure.formats.faults import MAX_DETAIL, corrupt, is_out_of_memory, truncated, unsupported
from retailpulse.measure.formats.image_format import ImageFormat
from retailpulse.measure.formats.jpeg_markers import Frame, check_end, check_end_in_pieces, read_frame
from retailpulse.measure.formats.jpeg_padding import without_padding
from retailpulse.measure.formats.libraries import library
from retailpulse.measure.formats.pillow import Plugin

MAX_SCANS = 100
"""Each scan is a pass over the whole picture, however few bytes it has; encoders write about ten."""

_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_DECODABLE = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # sequential, progressive, both also arithmetic
_PLUGIN = Plugin("JPEG", "JpegImagePlugin", also=("MpoImagePlugin",))


def _load() -> None:
    _PLUGIN.load()
    library("simplejpeg")


class _JpegPicture(Picture):
    __slots__ = ("_body", "_damage", "_eighth", "_frame")

    def __init__(self, body: bytes, frame: Frame, eighth: Any, damage: str | None) -> None:
        super().__init__()
        self._body = body
        self._frame = frame
        self._eighth = eighth
        self._damage = damage

    def damage(self) -> str | None:
        return self._damage or super().damage()

    def decoded_size(self) -> tuple[int, int]:
        rows, columns, _ = self._eighth.shape
        width, height = self._frame.width, self._frame.height
        is_eighth = (columns, rows) == (-(-width // 8), -(-height // 8))
        return (width, height) if is_eighth else (8 * columns, 8 * rows)

    def _make_grey(self, scale: int) -> GreyImage:
        if scale == 8:
            eighth: GreyImage = self._eighth[:, :, 0]
            return eighth
        rows, columns = -(-self._frame.height // scale), -(-self._frame.width // scale)
        grey: GreyImage = library("simplejpeg").decode_jpeg(
            self._body, "GRAY", min_height=rows, min_width=columns, strict=False
        )[:, :, 0]
        return grey

    def _find_exif(self) -> bytes | None:
        return None if self._frame.exif is None else self._body[self._frame.exif]


def _decode(body: bytes, frame: Frame, max_pixels: int) -> Picture:
    if frame.process not in _DECODABLE or frame.sample_bits != 8:
        raise unsupported("this kind of JPEG (lossless, hierarchical or 12 bit) cannot be decoded")
    _check_scans(body, frame)
    try:
        return _JpegPicture(body, frame, _decode_eighth(body, strict=True), None)
    except ValueError as error:
        return _decode_damaged(str(error), body, frame, max_pixels)


def _check_scans(body: bytes, frame: Frame) -> None:
    """Raise ImageError `corrupt` if the picture has so many scans that it must be an attack."""
    if (scan := frame.scan) is None:
        return
    is_single = frame.process not in _PROGRESSIVE and body[scan : scan + 1] == bytes([frame.components])
    if not is_single and body.count(b"\xff\xda", scan) > MAX_SCANS:
        raise corrupt(f"the JPEG has more than {MAX_SCANS} scans")


def _decode_damaged(finding: str, body: bytes, frame: Frame, max_pixels: int) -> Picture:
    """The picture in spite of what the strict decoder found, if there is one."""
    if is_out_of_memory(finding):
        raise MemoryError
    if "Premature end of JPEG file" in finding:
        raise truncated("the JPEG's data ends before the picture does")
    for bare in without_padding(finding, body, frame.scan or 0):
        try:
            return _JpegPicture(body, frame, _decode_eighth(bare, strict=True), None)
        except ValueError:  # it is damaged besides, or lost an end that was none of padding
            continue
    try:
        return _JpegPicture(body, frame, _decode_eighth(body, strict=False), finding[:MAX_DETAIL])
    except ValueError:
        return _PLUGIN.decode(body, frame, max_pixels)


def _decode_eighth(body: bytes, *, strict: bool) -> Any:
    """Rows of columns of one byte of grey; raises ValueError, not strict only on what cannot be mended."""
    # 1/8 is the smallest scale there is: all of the entropy-coded data, and hardly a transform.
    return library("simplejpeg").decode_jpeg(body, "GRAY", min_height=1, min_width=1, strict=strict)


FORMAT = ImageFormat(
    name=Format.JPEG,
    starts=(b"\xff\xd8\xff",),
    least_bytes=3,
    read_size=read_frame,
    check_end=check_end,
    check_end_in_pieces=check_end_in_pieces,
    load=_load,
    decode=_decode,
    bytes_per_pixel=3,  # only a progressive one needs anything
)
