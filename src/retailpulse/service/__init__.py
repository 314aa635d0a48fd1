"""What the service does with jobs, stores and visits, whoever asks.

Each function is one use of the service; it owns the transaction and knows nothing of HTTP.
"""

from retailpulse.service.jobs import JobReport, Limits, Service, describe_failures
from retailpulse.service.keys import Keys
from retailpulse.service.results import Results

__all__ = ["JobReport", "Keys", "Limits", "Results", "Service", "describe_failures"]
