"""The records that API, client, webhooks and storage share, each said once: field, type, meaning, example."""

from retailpulse.domain.callbacks import DeliveryState
from retailpulse.domain.hosts import BreakerState, WaitReason
from retailpulse.domain.images import Cause, Depth, Format, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema.deliveries import Delivery, DeliveryTry
from retailpulse.schema.hosts import Host, HostRefusal
from retailpulse.schema.image_facts import FACTS, ImageFacts, ImageResult, Measurement
from retailpulse.schema.jobs import FailedStore, HostOfJob, ImageCounts, Job, JobStore, JobSummary, WaitingFor
from retailpulse.schema.record import Record
from retailpulse.schema.results import RESULT, RESULT_EXAMPLES, EarlierResult, Result
from retailpulse.schema.stats import CausesLately, SettledImages, SettledLately, Stats
from retailpulse.schema.stores import Area, BadLine, Imported, Store, Visit

WORDS = (BreakerState, Cause, DeliveryState, Depth, Format, JobStatus, Outcome, WaitReason)
"""The words that stand in records, by the sets they are of."""

__all__ = [
    "FACTS",
    "RESULT",
    "RESULT_EXAMPLES",
    "WORDS",
    "Area",
    "BadLine",
    "CausesLately",
    "Delivery",
    "DeliveryTry",
    "EarlierResult",
    "FailedStore",
    "Host",
    "HostOfJob",
    "HostRefusal",
    "ImageCounts",
    "ImageFacts",
    "ImageResult",
    "Imported",
    "Job",
    "JobStore",
    "JobSummary",
    "Measurement",
    "Record",
    "Result",
    "SettledImages",
    "SettledLately",
    "Stats",
    "Store",
    "Visit",
    "WaitingFor",
]
