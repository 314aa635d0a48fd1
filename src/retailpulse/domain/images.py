"""What is known of an image: how deep it was looked at, how it ended, and why it failed."""

from enum import StrEnum

import msgspec


class Depth(StrEnum):
    """How deep an image is looked at; each depth says all that the one before it says."""

    HEADER = "header"  # format, width, height: from the first kilobytes alone
    DOWNLOAD = "download"  # + complete, size in bytes, sha256: the whole body is read
    DECODE = "decode"  # + the picture really decodes


class Outcome(StrEnum):
    """How an image ended; an image without an outcome is not settled yet."""

    MEASURED = "measured"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Format(StrEnum):
    """The formats that are accepted, recognised by the bytes alone."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"
    WEBP = "webp"
    BMP = "bmp"
    TIFF = "tiff"
    AVIF = "avif"
    HEIC = "heic"


class Cause(StrEnum):
    """Why an image failed: the same names in results, metrics, logs and documents."""

    STORE_ID_NOT_FOUND = "store_id_not_found"
    BLOCKED_ADDRESS = "blocked_address"
    BAD_URL = "bad_url"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    HTTP_STATUS = "http_status"
    NO_CREDENTIALS = "no_credentials"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_RESPONSE = "bad_response"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    CORRUPT = "corrupt"
    DECODER_CRASHED = "decoder_crashed"
    WORKER_CRASHED = "worker_crashed"
    CANCELLED = "cancelled"


_DECODE_CAUSES = frozenset(
    {
        Cause.UNSUPPORTED_FORMAT,
        Cause.TOO_MANY_PIXELS,
        Cause.CORRUPT,
        Cause.DECODER_CRASHED,
        Cause.WORKER_CRASHED,
    }
)


def failure_kind(cause: Cause) -> str:
    """The word of the old status endpoint for a cause: which of three things went wrong."""
    if cause is Cause.STORE_ID_NOT_FOUND:
        return "store_id_not_found"
    if cause in _DECODE_CAUSES:
        return "failed_to_decode_image"
    return "failed_to_download_image"


class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the first bytes of an image say.

    `width` and `height` are those of the stored pixels; the displayed ones follow the orientation
    that the file asks viewers to apply (EXIF, or the crop and the rotation of AVIF and HEIC).
    """

    format: Format
    width: int
    height: int
    displayed_width: int
    displayed_height: int
