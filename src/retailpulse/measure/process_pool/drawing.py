"""Thumbnails in a decoder: which are wanted of a picture, and where they are left for the worker.

They take the place of the body on the ring buffer, which the decoder has a copy of by then.
"""

from collections.abc import Sequence
from mmap import mmap

from retailpulse.analyze import Picture, thumbnail
from retailpulse.analyze.analyzer import MAX_ANALYZERS
from retailpulse.config.settings import MeasureSettings, ReviewPictures
from retailpulse.domain.analysis import Analysis
from retailpulse.domain.images import Header
from retailpulse.domain.thumbnails import ThumbnailKind
from retailpulse.measure.measurement import make_measurement
from retailpulse.measure.process_pool.ring_buffer import Room

DRAWING = MAX_ANALYZERS
"""The place of the drawing, behind those of all analyzers: what ends a decoder is left out, as they are."""


def wanted_kinds(
    settings: MeasureSettings, header: Header, analyses: Sequence[Analysis]
) -> list[ThumbnailKind]:
    """What is to be drawn of a picture; a larger one if the numbers of its pixels flag it."""
    kinds = [ThumbnailKind.THUMBNAIL] if settings.thumbnails else []
    if settings.review_pictures is ReviewPictures.ALL or (
        settings.review_pictures is ReviewPictures.FLAGGED
        and make_measurement(header, analyses=analyses, thresholds=settings).flags
    ):
        kinds.append(ThumbnailKind.REVIEW)
    return kinds


def draw_into(
    memory: mmap, room: Room, kinds: Sequence[ThumbnailKind], picture: Picture, header: Header
) -> dict[ThumbnailKind, int]:
    """Leave thumbnails one behind another at the beginning of the room; returns their lengths.

    One that raises, or for which there is no room, is missing.
    """
    lengths: dict[ThumbnailKind, int] = {}
    offset, left = room
    for kind in kinds:
        try:
            drawn = thumbnail.draw(kind, picture, header, left)
        except Exception:  # it costs only itself
            drawn = None
        if drawn is not None:
            memory[offset : offset + len(drawn)] = drawn
            offset, left = offset + len(drawn), left - len(drawn)
            lengths[kind] = len(drawn)
    return lengths
