"""The records that API, client, webhooks and storage share, each said once: field, type, meaning, example."""

from retailpulse.domain.callbacks import DeliveryState
from retailpulse.domain.flags import Clock, Flag
from retailpulse.domain.hosts import BreakerState, WaitReason
from retailpulse.domain.images import Cause, Depth, Format, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import records
from retailpulse.schema.image_facts import ANALYZED_FACTS, FACTS, ImageFacts, ImageResult, Measurement
from retailpulse.schema.record import Record
from retailpulse.schema.records import *  # noqa: F403  # its list is the only one
from retailpulse.schema.results import RESULT, RESULT_EXAMPLES

WORDS = (BreakerState, Cause, Clock, DeliveryState, Depth, Flag, Format, JobStatus, Outcome, WaitReason)
"""The words that stand in records, by the sets they are of."""

__all__ = [
    "ANALYZED_FACTS",
    "FACTS",
    "RESULT",
    "RESULT_EXAMPLES",
    "WORDS",
    "ImageFacts",
    "ImageResult",
    "Measurement",
    "Record",
]
__all__ += records.__all__
