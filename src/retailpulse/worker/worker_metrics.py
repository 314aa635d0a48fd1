"""What a worker counts and times: each stage of its images, bytes, and decoders that were lost."""

from collections.abc import Callable

from retailpulse.metrics.reporting import Reading
from retailpulse.telemetry.catalogue import CRASHES, DECODE, FETCHED_BYTES, QUEUE_WAIT, SETTLE, TRANSFER
from retailpulse.telemetry.instruments import Instruments


class WorkerMetrics:
    """The measures of one worker; its parts are handed the ends that they need.

    How many transfers are in flight, and how many decoders were lost, is asked for when it is read.
    """

    def __init__(self) -> None:
        self._instruments = Instruments()
        self._bytes = 0
        self._transferred_seconds = self._instruments.histogram(TRANSFER).observe
        self.waited = self._instruments.histogram(QUEUE_WAIT).observe
        self.decoded = self._instruments.histogram(DECODE).observe
        self.settled = self._instruments.histogram(SETTLE).observe
        self.in_flight: Callable[[], int] = lambda: 0
        self.decoder_crashes: Callable[[], int] = lambda: 0
        self.quarantine_crashes: Callable[[], int] = lambda: 0

    def transferred(self, seconds: float, size_bytes: int) -> None:
        """Notes one request to an origin."""
        self._transferred_seconds(seconds)
        self._bytes += size_bytes

    def read(self) -> Reading:
        """The sums of this worker since its start, by metric name, and the transfers in flight now."""
        sums = self._instruments.sums()
        sums[FETCHED_BYTES.name] = self._bytes
        sums[f"{CRASHES.name}|decoder"] = self.decoder_crashes()
        sums[f"{CRASHES.name}|quarantine"] = self.quarantine_crashes()
        return Reading(sums=sums, in_flight=self.in_flight())
