"""What a decoder's answer, or its end, says about the image and its analyzers."""

import logging
import signal
from collections.abc import Sequence

import msgspec

from retailpulse.analyze import Analyzer, believed
from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause, Header
from retailpulse.domain.process_exit import how_it_ended
from retailpulse.measure.measurement import make_measurement
from retailpulse.measure.process_pool.child import CLOCK_FACTOR
from retailpulse.measure.process_pool.job import Job
from retailpulse.measure.process_pool.protocol import Answer, Ended, Failed, Measured, Missing
from retailpulse.measure.thumbnails import believed_thumbnail
from retailpulse.schema import Measurement

logger = logging.getLogger(__name__)


def measurement_of(
    answer: Answer, header: Header, job: Job, analyzers: Sequence[Analyzer], settings: MeasureSettings
) -> Measurement:
    """The measurement of a body; raises ImageError if there is none, ImportError without the library."""
    match answer:
        case Measured():
            analyses = believed(answer.analyses, analyzers, job.left_out)
            for place, how in job.left_out.items():
                name = analyzers[place].name if place < len(analyzers) else "thumbnail"
                logger.warning("the analyzer %s is left out for a picture: %s", name, how)
            sha256 = answer.sha256.hex()
            measurement = make_measurement(
                header, size_bytes=job.size_bytes, sha256=sha256, analyses=analyses, thresholds=settings
            )
            told = (believed_thumbnail(kind, data) for kind, data in job.thumbnails.items())
            return msgspec.structs.replace(measurement, thumbnails=tuple(filter(None, told)))
        case Failed():
            raise ImageError(answer.cause, answer.detail)
        case Missing():
            raise ImportError(answer.text)
        case Ended(code) if code == -signal.SIGPROF:
            raise ImageError(Cause.TIMEOUT, f"not decoded within {settings.timeout_seconds:g} s of CPU time")
        case Ended(code) if code == -signal.SIGALRM:
            raise ImageError(
                Cause.TIMEOUT, f"not decoded within {CLOCK_FACTOR * settings.timeout_seconds:g} s"
            )
        case Ended(code):
            raise ImageError(Cause.DECODER_CRASHED, f"the decoder {how_it_ended(code)}")


def exit_reason(answer: Answer | None) -> str:
    """Why an analyzer has no facts that was at a picture when the decoder ended."""
    match answer:
        case Ended(code) if code not in {-signal.SIGPROF, -signal.SIGALRM}:
            return f"its process {how_it_ended(code)}"
        case Ended():
            return "it took too long"
        case _:
            return "its process ended"
