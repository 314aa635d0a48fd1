"""What a worker has measured, and what it has in hand, as it reports it every few seconds."""

from heapq import nlargest

from retailpulse.metrics.reporting import Reading
from retailpulse.metrics.resident_memory import resident_bytes
from retailpulse.storage.metrics.processes import Doing
from retailpulse.telemetry.catalogue import TRANSFERS_IN_FLIGHT
from retailpulse.telemetry.instruments import Instruments
from retailpulse.worker.image_task import WorkerContext

NAMED_JOBS = 3
"""How many of the jobs in hand a report names."""


class Occupation:
    """What a worker reports of itself; `context` is set once its parts are built."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments
        self.context: WorkerContext | None = None

    def read(self) -> Reading:
        """What the worker has measured up to this moment, and what it does."""
        return Reading(
            sums=self.instruments.sums(),
            in_flight=self.instruments.value(TRANSFERS_IN_FLIGHT),
            doing=self._doing(),
        )

    def _doing(self) -> Doing:
        if self.context is None:
            return Doing(memory_bytes=resident_bytes())
        held_images = self.context.held_images
        at_hosts, of_jobs = held_images.at_hosts(), held_images.of_jobs()
        return Doing(
            memory_bytes=resident_bytes(),
            is_stopping=self.context.backpressure.is_draining(),
            at_hosts=at_hosts,
            measuring=held_images.count - at_hosts,
            unwritten=self.context.settler.unwritten(),
            jobs=dict(nlargest(NAMED_JOBS, of_jobs.items(), key=lambda item: item[1])),
            job_count=len(of_jobs),
            decoders=self.context.decoders.count,
            busy_decoders=self.context.decoders.busy_count,
        )
