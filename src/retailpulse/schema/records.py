"""The records that the API and the client give out, and nothing else of the schema."""

from retailpulse.schema.analyses import AnalysisJob, AnalysisPart
from retailpulse.schema.checks import Checks
from retailpulse.schema.deliveries import Delivery, DeliveryTry, JobEnded
from retailpulse.schema.hosts import Host, HostRefusal
from retailpulse.schema.jobs import FailedStore, HostOfJob, ImageCounts, Job, JobStore, JobSummary, WaitingFor
from retailpulse.schema.matches import Match, MatchedPhoto
from retailpulse.schema.photos import FlaggedPhoto
from retailpulse.schema.reports import AreaReportRow, StoreReportRow, VisitReportRow
from retailpulse.schema.results import EarlierResult, Result
from retailpulse.schema.reviews import (
    EarlierPhoto,
    PhotoRef,
    Review,
    ReviewAnswer,
    ReviewedPhoto,
    ReviewEntry,
)
from retailpulse.schema.stats import CausesLately, SettledImages, SettledLately, Stats
from retailpulse.schema.stores import Area, BadLine, Imported, Store, Visit
from retailpulse.schema.submits import DryRun, HostShare, RowError, SubmittedJob, SubmitWarning, UnknownStores

__all__ = [
    "AnalysisJob",
    "AnalysisPart",
    "Area",
    "AreaReportRow",
    "BadLine",
    "CausesLately",
    "Checks",
    "Delivery",
    "DeliveryTry",
    "DryRun",
    "EarlierPhoto",
    "EarlierResult",
    "FailedStore",
    "FlaggedPhoto",
    "Host",
    "HostOfJob",
    "HostRefusal",
    "HostShare",
    "ImageCounts",
    "Imported",
    "Job",
    "JobEnded",
    "JobStore",
    "JobSummary",
    "Match",
    "MatchedPhoto",
    "PhotoRef",
    "Result",
    "Review",
    "ReviewAnswer",
    "ReviewEntry",
    "ReviewedPhoto",
    "RowError",
    "SettledImages",
    "SettledLately",
    "Stats",
    "Store",
    "StoreReportRow",
    "SubmitWarning",
    "SubmittedJob",
    "UnknownStores",
    "Visit",
    "VisitReportRow",
    "WaitingFor",
]
