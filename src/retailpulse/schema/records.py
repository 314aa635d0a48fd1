"""The records that the API and the client give out, and nothing else of the schema."""

from retailpulse.schema.deliveries import Delivery, DeliveryTry, JobEnded
from retailpulse.schema.hosts import Host, HostRefusal
from retailpulse.schema.jobs import FailedStore, HostOfJob, ImageCounts, Job, JobStore, JobSummary, WaitingFor
from retailpulse.schema.results import EarlierResult, Result
from retailpulse.schema.stats import CausesLately, SettledImages, SettledLately, Stats
from retailpulse.schema.stores import Area, BadLine, Imported, Store, Visit

__all__ = [
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
    "Imported",
    "Job",
    "JobEnded",
    "JobStore",
    "JobSummary",
    "Result",
    "SettledImages",
    "SettledLately",
    "Stats",
    "Store",
    "Visit",
    "WaitingFor",
]
