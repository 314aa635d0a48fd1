"""The errors that only an HTTP interface raises; they continue the tree of `domain.errors`.

RetailPulseError
|- InvalidRequest
|  |- InvalidRows            rows of what was sent cannot be accepted
|  |- TooLarge               what was sent is over a configured limit
|  |- RequestTimeout         it came more slowly than is waited for
|  |- UnknownParameters      its query has parameters that there are not
|  |- NotAvailable           it is asked for in a form that cannot be given here
|  '- UnsupportedMediaType   it comes in a form that is not read
|- Unauthenticated           no API key, or none that may be used
|- Forbidden                 a key, or an origin, that does not allow this
'- RateLimited               more requests than a key or an address may send
"""

from collections.abc import Mapping, Sequence
from typing import Any

from retailpulse.domain.api_keys import Scope
from retailpulse.domain.errors import InvalidRequest, RetailPulseError


class TooLarge(InvalidRequest):
    """What a client sent is over a configured limit."""


class RequestTimeout(InvalidRequest):
    """What a client sent did not arrive in the time that is waited for it."""


class UnknownParameters(InvalidRequest):
    """A query has parameters that its path does not; `reasons` says by name what is there instead."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = reasons


class NotAvailable(InvalidRequest):
    """What is asked for cannot be given in the form that is wanted; the text says what to do."""


class UnsupportedMediaType(InvalidRequest):
    """What a client sent comes in a type or an encoding that is not read."""


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


class InvalidRows(InvalidRequest):
    """Rows that a client sent cannot be accepted; the answer lists them, up to a bound, and counts them."""

    def __init__(self, text: str, *, errors: Sequence[Mapping[str, Any]], error_count: int) -> None:
        super().__init__(text)
        self.members: dict[str, Any] = {"errors": list(errors), "error_count": error_count}
