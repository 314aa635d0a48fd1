"""Drawings in Mermaid as SVG, made by Mermaid itself in an embedded engine: no browser, no network."""

import hashlib
from pathlib import Path

import mermaidx


def draw(text: str, folder: Path) -> Path:
    """Draws a text of Mermaid and gives the file in `folder`; the same text is the same file."""
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.svg"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(mermaidx.render(text).svg())
    return file
