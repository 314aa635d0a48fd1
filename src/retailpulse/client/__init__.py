"""The Python client of Retail Pulse: `Client` and `AsyncClient`, what they answer, and the errors they raise.

It needs no part of the server: `pip install retailpulse` is enough. Answers are the records of
`schema`: fields that a newer service adds are passed over, times are aware datetimes in UTC.
"""

from retailpulse.client.clients import AsyncClient, Client
from retailpulse.client.errors import (
    BadInput,
    ClientError,
    Conflict,
    Forbidden,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    NotRetailPulse,
    Refused,
    RequestTimeout,
    TimedOut,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    Unreachable,
    UnsupportedMediaType,
)
from retailpulse.client.exports import ExportFormat, appearing
from retailpulse.client.submitting import FileFormat
from retailpulse.client.waiting import Progress
from retailpulse.domain.images import Cause, Depth, Outcome
from retailpulse.domain.jobs import JobStatus
from retailpulse.schema import records
from retailpulse.schema.records import *  # noqa: F403  # every record of an answer is the client's, too

__all__ = [
    "AsyncClient",
    "BadInput",
    "Cause",
    "Client",
    "ClientError",
    "Conflict",
    "Depth",
    "ExportFormat",
    "FileFormat",
    "Forbidden",
    "InternalError",
    "InvalidRequest",
    "JobStatus",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "NotRetailPulse",
    "Outcome",
    "Progress",
    "Refused",
    "RequestTimeout",
    "TimedOut",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
    "Unreachable",
    "UnsupportedMediaType",
    "appearing",
]
__all__ += records.__all__
