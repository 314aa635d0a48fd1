"""What the service does with jobs, stores and visits, whoever asks.

Each function is one use of the service; it owns the transaction and knows nothing of HTTP.
"""

from retailpulse.service.backlog import Backlog, Limits
from retailpulse.service.control import JobControl
from retailpulse.service.deliveries import Deliveries
from retailpulse.service.hosts import Hosts
from retailpulse.service.intake import Intake, SubmitPatience
from retailpulse.service.job_lists import JobLists
from retailpulse.service.jobs import JobReport, Service, describe_failures
from retailpulse.service.keys import Keys
from retailpulse.service.progress import Progress, Signal
from retailpulse.service.results import Results
from retailpulse.service.stats import Stats
from retailpulse.service.stores import Stores

__all__ = [
    "Backlog",
    "Deliveries",
    "Hosts",
    "Intake",
    "JobControl",
    "JobLists",
    "JobReport",
    "Keys",
    "Limits",
    "Progress",
    "Results",
    "Service",
    "Signal",
    "Stats",
    "Stores",
    "SubmitPatience",
    "describe_failures",
]
