"""What never stands in a detail, which people read: names of libraries, classes, functions and constants."""

import re

_NAMES = re.compile(
    r"pillow|\bPIL\b|\blib[a-z]+|lib(?:heif|tiff|jpeg|avif|webp|curl)|dav1d|de265|simplejpeg|numpy|curl|openssl"
    r"|psycopg|postgres|msgspec|uvloop|errno|traceback|exception|plugin|BytesIO|\bsig(?!n|h)[a-z]+|[a-z]+error\b|\bobject\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\w_\w|\b[A-Za-z]*[a-z][A-Z]\w*|\bSIG[A-Z]+|\bE[A-Z]{4,}\b|0x[0-9a-f]|\w\(|<|::|\\x|[`{}]"
)
_OF_FORMATS = re.compile(r"WebP|WebM|QuickTime|BigTIFF|IPv[46]|the \w{4} (?:box|chunk)")
"""Names that formats give themselves, which look like code."""


def names_in(detail: str) -> list[str]:
    """The words of a detail that are about a program and not about an image or a host."""
    rest = _OF_FORMATS.sub("", detail)
    return [found.group() for pattern in (_NAMES, _CODE) for found in pattern.finditer(rest)]
