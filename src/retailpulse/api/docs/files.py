"""The files of Swagger UI: a page of ours, and self-contained builds from an installed package.

The builds are those of `swagger-ui-bundle-v2`, whose code is never imported: only its files are looked up.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from string import Template

from retailpulse.domain.errors import NotFound

_PAGES = Path(__file__).parent / "pages"
_PACKAGE, _DISTRIBUTION = "swagger_ui_bundle", "swagger-ui-bundle-v2"
BUILDS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
OWN = {
    "docs.css": "text/css",
    "swagger.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DocsFile:
    """A static file, plain and as gzip, with its media type."""

    content: bytes
    gzipped: bytes
    media_type: str


class DocsFiles:
    """All files of the page, read once they are first asked for."""

    @cached_property
    def files(self) -> dict[str, DocsFile]:
        """The files by name; raises NotFound if the package with the builds is not installed."""
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise NotFound(f"Swagger UI is not installed: pip install {_DISTRIBUTION}")
        # The name of the folder tells the version.
        builds = next(Path(spec.submodule_search_locations[0]).glob("vendor/swagger-ui-*"))
        found = {name: (builds / name, kind) for name, kind in BUILDS.items()}
        found |= {name: (_PAGES / name, kind) for name, kind in OWN.items()}
        return {name: _read(path, kind) for name, (path, kind) in found.items()}

    @cached_property
    def version(self) -> str:
        """A text that changes with any of the files: their addresses carry it, so that they may be kept."""
        digest = hashlib.sha256()
        for name, file in sorted(self.files.items()):
            digest.update(name.encode() + file.content)
        return digest.hexdigest()[:16]

    def page(self, name: str) -> bytes:
        """A page of ours, in which the addresses of files carry the version."""
        return Template((_PAGES / name).read_text()).substitute(version=self.version).encode()


def _read(path: Path, media_type: str) -> DocsFile:
    content = path.read_bytes()
    return DocsFile(content=content, gzipped=gzip.compress(content, 6, mtime=0), media_type=media_type)
