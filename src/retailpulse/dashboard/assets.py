"""Style, script and icon of the dashboard: read once, with a version in their addresses, kept by browsers."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Assets:
    """All files by name, each with its media type, and a text that changes with any of them."""

    files: dict[str, tuple[bytes, str]]
    version: str


@cache
def read_assets() -> Assets:
    """The files that come with the program."""
    files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in sorted(_FOLDER.iterdir())}
    digest = hashlib.sha256(b"".join(content for content, _ in files.values()))
    return Assets(files=files, version=digest.hexdigest()[:16])
