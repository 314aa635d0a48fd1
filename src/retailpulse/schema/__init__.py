"""The records that API, client, webhooks and storage share, each said once: field, type, meaning, example."""

from retailpulse.domain.callbacks import DeliveryState
from retailpulse.domain.flags import Clock, Flag
from retailpulse.domain.hosts import BreakerState, WaitReason
from retailpulse.domain.images import Cause, Depth, Format, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.domain.matches import MatchKind, Relation
from retailpulse.domain.reviews import Decision, ReviewStep
from retailpulse.schema import records
from retailpulse.schema.image_facts import (
    ANALYZED_FACTS,
    FACTS,
    FACTS_OF_VISIT,
    ImageFacts,
    ImageResult,
    Measurement,
    Thumbnail,
)
from retailpulse.schema.record import Record
from retailpulse.schema.records import *  # noqa: F403  # its list is the only one
from retailpulse.schema.results import RESULT, RESULT_EXAMPLES, RESULT_ROWS

WORDS = (
    BreakerState, Cause, Clock, Decision, DeliveryState, Depth, Flag, Format, JobStatus, MatchKind, Outcome,
    Relation, ReviewStep, WaitReason,
)  # fmt: skip
"""The words that stand in records, by the sets they are of."""

__all__ = [
    "ANALYZED_FACTS",
    "FACTS",
    "FACTS_OF_VISIT",
    "RESULT",
    "RESULT_EXAMPLES",
    "RESULT_ROWS",
    "WORDS",
    "ImageFacts",
    "ImageResult",
    "Measurement",
    "Record",
    "Thumbnail",
]
__all__ += records.__all__
