"""Analyzers that do what a note in a photo's EXIF says, and how a real decoder comes to have them.

The process that decoders are forked from imports simplejpeg; under that name it finds what installs them.
"""

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retailpulse.analyze import Analyzer, Exif, Picture, registry
from retailpulse.domain.images import Header
from tests.measure.pictures import FLAVOURS, jpeg_segment

ROOT = Path(__file__).parents[3]
TIFF_HEAD = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
STARTER = """
import importlib, sys
sys.path.remove({folder!r})
sys.path.insert(0, {root!r})
del sys.modules["simplejpeg"]
importlib.import_module("simplejpeg")
from tests.measure.process_pool import analyzers
analyzers.registry.ALL = analyzers.ALL
"""


class Brightness(msgspec.Struct, frozen=True):
    mean: float
    rows: int
    columns: int
    full_columns: int


class Said(msgspec.Struct, frozen=True):
    note: str


def _brightness(picture: Picture, _header: Header, _exif: Exif) -> Brightness:
    grey = picture.grey()
    full = picture.grey(1)
    return Brightness(float(grey.mean()), grey.shape[0], grey.shape[1], full.shape[1])


def _obey(_picture: Picture, _header: Header, exif: Exif) -> Any:
    note = (exif() or b"").removeprefix(TIFF_HEAD).decode("ascii", "replace")
    match note:
        case "raise":
            raise ValueError("the note says so\0")
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            raise SystemExit(3)
        case "loop":
            while True:
                pass
        case "loop in C":
            pow(3, 10**8)
        case "swell":
            return Said("x" * 10**10)
        case "print":
            os.write(2, b"printed by an analyzer")
        case "talk":
            return Said("x" * 401)
        case "no number":
            return Brightness(float("nan"), 0, 0, 0)
        case "other type":
            return Brightness(1.5, 0, 0, 0)
    return Said(note if note.isprintable() else "")


OBEY = Analyzer(name="obey", version=7, facts=Said, analyze=_obey)
BRIGHTNESS = Analyzer(name="brightness", version=3, facts=Brightness, analyze=_brightness)
ALL = (OBEY, *registry.ALL, BRIGHTNESS)


def noted(note: str, number: int = 0) -> bytes:
    """A photo whose EXIF says what the analyzer `obey` should do; each number is another photo."""
    body = FLAVOURS["jpeg baseline"].body
    exif = jpeg_segment(0xE1, b"Exif\0\0" + TIFF_HEAD + note.encode())
    return body[:2] + jpeg_segment(0xFE, b"%d" % number) + exif + body[2:]


def install(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let this process, and the decoders that it starts, have these analyzers."""
    (folder / "simplejpeg.py").write_text(STARTER.format(folder=str(folder), root=str(ROOT)))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(registry, "ALL", ALL)
