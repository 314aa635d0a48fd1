"""What a person decides on a photo, and which flags ask for a decision by themselves."""

from enum import StrEnum


class Decision(StrEnum):
    """What a person decides on a photo; its flags stay on record whatever that is."""

    ACCEPTED = "accepted"
    """The photo counts."""
    REJECTED = "rejected"
    """The photo does not count for its visit."""
    FLAG_WRONG = "flag_wrong"
    """The flag is wrong; of a pair: neither photo is a copy of the other."""


class ReviewState(StrEnum):
    """How far a photo is, as filters name it."""

    UNDECIDED = "undecided"
    """It is flagged, and no decision stands."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FLAG_WRONG = "flag_wrong"


class ReviewStep(StrEnum):
    """What an entry of the history of a photo is: a decision, or that one was undone."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FLAG_WRONG = "flag_wrong"
    UNDONE = "undone"


QUEUED_FLAGS = ("copy", "far_from_store", "time_mismatch", "stale", "blank")
"""The names of the flags that a queue shows unless others are asked for: those that fraud raises; of copies,
those alone whose earlier photo is another store's. Other copies, and blurred, soft, dark and overexposed
photos, are one or two of a hundred, and would flood it."""

PAIR_FLAGS = ("copy", "same_scene")
"""The names of the flags that a match with an earlier photo raises: those that a pair is about."""

MAX_REASON_CHARACTERS = 1_000
MAX_NAME_CHARACTERS = 200
LOCAL = "local"
"""Who decides at a service without API keys, if no name is given."""
