"""The tree of errors that cross rooms; each is named by its cause.

    RetailPulseError
    |- ConfigError         a setting that cannot be used
    |- DatabaseError
    |  |- DatabaseUnavailable   it cannot be reached or refuses work now
    |  |  '- CommitUnknown       it went away in a commit, whose outcome is unknown
    |  '- SchemaTooNew          it was migrated by a newer program
    |- InvalidRequest      what a client sent cannot be accepted
    |- NotFound            no such job, store or area
    |- Conflict            it contradicts what is already there
    |- StaleWrite          what it was based on has just changed; it must be repeated
    |- Busy                the service has as much as it takes now
    |  '- TooSlow             what was asked for took longer than it may
    |- NotProfiled         a process cannot be looked into
    '- ImageError          one image that cannot be fetched or measured

Errors of HTTP alone are in `web.errors`; how an error becomes an answer is decided in one table, in `web`.
"""

from retailpulse.domain.images import Cause


class RetailPulseError(Exception):
    """Base of every error that this program raises on purpose."""


class ConfigError(RetailPulseError):
    """A setting that cannot be used; the text names the setting and says what to do."""


class DatabaseError(RetailPulseError):
    """The database cannot be used."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached or cannot take the work now; trying again later may help."""


class CommitUnknown(DatabaseUnavailable):
    """The database went away while it was told to keep something: it may have done so, or not."""


class SchemaTooNew(DatabaseError):
    """The database was migrated by a newer program than this one."""


class InvalidRequest(RetailPulseError):
    """What a client sent cannot be accepted; the text says which part of it and why."""


class NotFound(RetailPulseError):
    """There is no such job, store or area."""


class Conflict(RetailPulseError):
    """What is asked contradicts what is already there."""


class StaleWrite(RetailPulseError):
    """What a transaction was based on has changed before its end: it must be rolled back and repeated."""


class Busy(RetailPulseError):
    """The service has as much work as it takes now; trying again later helps."""


class TooSlow(Busy):
    """What was asked for took longer than it may; the text says what to ask for instead."""


class NotProfiled(RetailPulseError):
    """A process could not be looked into; the text says why, and what helps."""


UNEXPECTED = "an unexpected fault of this service; its log tells more"
"""What a client is told of a fault of ours: its class and text are for the log."""


class ImageError(RetailPulseError):
    """One image that cannot be fetched or measured: its cause, and a detail for people to read.

    `detail` is shown to clients: it never holds addresses, paths or secrets of the service itself.
    """

    def __init__(self, cause: Cause, detail: str, *, tries: int = 1) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        self.tries = tries
