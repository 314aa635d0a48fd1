"""Matches: that a photo was handed in before, how alike the two are, and how their visits belong together."""

from enum import StrEnum


class MatchKind(StrEnum):
    """How alike two photos are, the most alike first."""

    SAME_FILE = "same_file"
    """The same bytes."""
    COPY = "copy"
    """The same picture: re-encoded, resized, cropped, framed or written upon."""
    SAME_SCENE = "same_scene"
    """The same scene, perhaps taken again; never called a copy."""


class Relation(StrEnum):
    """How the visit of the later photo belongs to that of the earlier one."""

    SAME_VISIT = "same_visit"
    """One visit, or the same store at the same time in another job."""
    SAME_STORE = "same_store"
    OTHER_STORE = "other_store"
