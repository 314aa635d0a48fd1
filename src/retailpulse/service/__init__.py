"""What the service does with jobs, stores and visits, for every interface.

Each function is one use of the service; it owns the transaction and knows nothing of HTTP.
"""

from retailpulse.service.admission_control import AdmissionControl
from retailpulse.service.api_keys import ApiKeys
from retailpulse.service.deliveries import Deliveries
from retailpulse.service.hosts import Hosts
from retailpulse.service.job_control import JobControl
from retailpulse.service.job_lists import JobLists
from retailpulse.service.job_reports import JobReports, describe_failures
from retailpulse.service.job_submitter import JobSubmitter, SubmitTimeout
from retailpulse.service.limits import Limits
from retailpulse.service.progress import Progress, Signal
from retailpulse.service.readiness import ReadinessCheck
from retailpulse.service.results import Results
from retailpulse.service.stats import Stats
from retailpulse.service.store_import import StoreImport
from retailpulse.service.stores import Stores
from retailpulse.service.visits import Visits

__all__ = [
    "AdmissionControl",
    "ApiKeys",
    "Deliveries",
    "Hosts",
    "JobControl",
    "JobLists",
    "JobReports",
    "JobSubmitter",
    "Limits",
    "Progress",
    "ReadinessCheck",
    "Results",
    "Signal",
    "Stats",
    "StoreImport",
    "Stores",
    "SubmitTimeout",
    "Visits",
    "describe_failures",
]
