"""What the service does with jobs, stores and visits, whoever asks.

Each function is one use of the service; it owns the transaction and knows nothing of HTTP.
"""

from retailpulse.service.job_lists import JobLists
from retailpulse.service.jobs import JobReport, Limits, Service, describe_failures
from retailpulse.service.reads import Reads
from retailpulse.service.results import Results
from retailpulse.service.stats import Stats
from retailpulse.service.stores import Stores

__all__ = [
    "JobLists",
    "JobReport",
    "Limits",
    "Reads",
    "Results",
    "Service",
    "Stats",
    "Stores",
    "describe_failures",
]
