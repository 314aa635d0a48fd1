"""Analyzers: pure functions from a decoded picture, its header and its EXIF to facts.

They run in the decoder processes of `measure`, in the same sandbox. One that fails, crashes or takes too long
costs only its own facts. `registry` lists them; each is a module of its own.
"""

from retailpulse.analyze.analyzer import Analyzer, Exif, ask, believed
from retailpulse.analyze.overview import GreyImage, Overview, image_of
from retailpulse.analyze.picture import Picture, overview_scale
from retailpulse.analyze.registry import select

__all__ = [
    "Analyzer",
    "Exif",
    "GreyImage",
    "Overview",
    "Picture",
    "ask",
    "believed",
    "image_of",
    "overview_scale",
    "select",
]
