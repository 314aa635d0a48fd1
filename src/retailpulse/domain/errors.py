"""The tree of errors that cross rooms; each is named by its cause.

    RetailPulseError
    |- ConfigError         a setting that cannot be used
    |- DatabaseError
    |  |- DatabaseUnavailable   it cannot be reached or refuses work now
    |  |  '- CommitUnknown       it went away in a commit, whose outcome is unknown
    |  '- SchemaTooNew          it was migrated by a newer program
    |- InvalidRequest      what a client sent cannot be accepted
    |  |- TooLarge         it is over a configured limit
    |  |- RequestTimeout   it came more slowly than is waited for
    |  |- NotAvailable     it is asked for in a form that cannot be given here
    |  '- UnsupportedMediaType   it comes in a form that is not read
    |- Unauthenticated     no API key, or none that may be used
    |- Forbidden           a key, or an origin, that does not allow this
    |- RateLimited         more requests than a key or an address may send
    |- NotFound            no such job, store or area
    |- Conflict            it contradicts what is already there
    |- StaleWrite          what it was based on has just changed; it must be repeated
    |- Busy                the service has as much as it takes now
    '- ImageError          one image that cannot be fetched or measured

How an error becomes an HTTP answer is decided in one table, in `web`.
"""

from retailpulse.domain.api_keys import Scope
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


class TooLarge(InvalidRequest):
    """What a client sent is over a configured limit."""


class RequestTimeout(InvalidRequest):
    """What a client sent did not arrive in the time that is waited for it."""


class Unauthenticated(RetailPulseError):
    """An API key is needed, and there is none, or none that may be used.

    `was_sent` says whether there was one. The text never says whether what is asked for exists.
    """

    def __init__(self, text: str, *, was_sent: bool) -> None:
        super().__init__(text)
        self.was_sent = was_sent


class Forbidden(RetailPulseError):
    """The client is known, but may not do this; `scope` is what its API key lacks, if that is the reason."""

    def __init__(self, text: str, *, scope: Scope | None = None) -> None:
        super().__init__(text)
        self.scope = scope


class RateLimited(RetailPulseError):
    """More requests than a key or an address may send; waiting helps."""

    def __init__(self, text: str, *, wait_seconds: int) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


class NotAvailable(InvalidRequest):
    """What is asked for cannot be given in the form that is wanted; the text says what to do."""


class UnsupportedMediaType(InvalidRequest):
    """What a client sent comes in a type or an encoding that is not read."""


class NotFound(RetailPulseError):
    """There is no such job, store or area."""


class Conflict(RetailPulseError):
    """What is asked contradicts what is already there."""


class StaleWrite(RetailPulseError):
    """What a transaction was based on has changed before its end: it must be rolled back and repeated."""


class Busy(RetailPulseError):
    """The service has as much work as it takes now; trying again later helps."""


class ImageError(RetailPulseError):
    """One image that cannot be fetched or measured: its cause, and a detail for people to read.

    `detail` is shown to clients: it never holds addresses, paths or secrets of the service itself.
    """

    def __init__(self, cause: Cause, detail: str, *, tries: int = 1) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        self.tries = tries
