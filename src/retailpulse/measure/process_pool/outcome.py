"""What a decoder's answer, or its end, says about the image."""

import signal

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Header, Measurement
from retailpulse.measure.process_pool.child import CLOCK_FACTOR
from retailpulse.measure.process_pool.protocol import Answer, Ended, Failed, Measured, Missing


def measurement_of(answer: Answer, header: Header, size_bytes: int, timeout_seconds: float) -> Measurement:
    """The measurement of a body; raises ImageError if there is none, ImportError without the library."""
    match answer:
        case Measured():
            return Measurement(
                header=header, size_bytes=size_bytes, sha256=answer.sha256, suspect=answer.suspect
            )
        case Failed():
            raise ImageError(answer.cause, answer.detail)
        case Missing():
            raise ImportError(answer.text)
        case Ended(code) if code == -signal.SIGPROF:
            raise ImageError(Cause.TIMEOUT, f"not decoded within {timeout_seconds:g} s of CPU time")
        case Ended(code) if code == -signal.SIGALRM:
            raise ImageError(Cause.TIMEOUT, f"not decoded within {CLOCK_FACTOR * timeout_seconds:g} s")
        case Ended(code):
            raise ImageError(Cause.DECODER_CRASHED, _exit_reason(code))


def _exit_reason(code: int) -> str:
    """How a decoder ended, in words."""
    if code >= 0:
        return f"the decoder ended with code {code}"
    try:
        return f"the decoder was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"the decoder was killed by signal {-code}"
