"""Runs a case several times, each time beside its limit, and keeps what every run showed."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench import accounting, limits
from bench.cases import BenchFailed, Case
from bench.figures import Figure
from bench.origin import Origin
from bench.service import Service, connections, running_service, write_job
from retailpulse.domain.images import Depth

_LIMIT_SHARE = 0.4  # of the seconds of a service run: enough for a steady rate


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRun:
    """One job through the service: its rate and what it cost.

    `our_share` is the part of the cores that the service, the origin and the bench used meanwhile,
    `others_share` the part that other programs took.
    """

    images: int
    seconds: float
    images_per_second: float
    cpu_us_per_image: dict[str, float]
    bytes_per_image: float | None
    peak_pss_bytes: int
    our_share: float
    others_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitRun:
    """What the machine could do beside it, per second; `decodes` only where the depth decodes."""

    fetches_per_second: float
    decodes_per_second: float | None

    @property
    def images_per_second(self) -> float:
        """The limit: that of decoding where images are decoded, else that of fetching."""
        return self.decodes_per_second or self.fetches_per_second


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """All runs of a case."""

    case: Case
    fetch_tool: str
    service: list[ServiceRun] = field(default_factory=list)
    limit: list[LimitRun] = field(default_factory=list)

    def median(self, value: Callable[[ServiceRun], float]) -> float:
        """The median of something over the runs of the service."""
        return statistics.median(map(value, self.service))

    def figures(self) -> list[Figure]:
        """The rate beside its limit, and whatever else has a target.

        Limit and service fetch the same file, so the ratio of bytes per second is that of images per second.
        """
        case = self.case
        decodes = case.depth is Depth.DECODE
        rate = Figure(
            case=case.name,
            about="images",
            unit="/s",
            runs=[run.images_per_second for run in self.service],
            limits=[run.images_per_second for run in self.limit],
            limit_name="decode loop" if decodes else self.fetch_tool,
            target=case.share,
        )
        fetched = [run.bytes_per_image for run in self.service if run.bytes_per_image is not None]
        peaks = [run.peak_pss_bytes / 1e6 for run in self.service]
        others = [
            Figure(case=case.name, about="bytes fetched", runs=fetched, target=case.fetched),
            Figure(case=case.name, about="peak memory", unit="MB", runs=peaks, target=case.peak_mb),
        ]
        return [rate, *(figure for figure in others if figure.target is not None and figure.runs)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What every case is measured with; `show` is told what is being done, and how far it is (0 to 1)."""

    origin: Origin
    cores: int
    runs: int
    seconds: float
    settings: Mapping[str, str]
    show: Callable[[str, float], None]

    def measure(self, case: Case) -> Measured:
        """Runs a case on a fresh service; limit and service take turns in going first."""
        measured = Measured(case=case, fetch_tool=limits.fetch_tool())
        self.show(f"{case.name}: starting the service", 0)
        with running_service(self.cores, self.settings) as service:
            images = self.probe(case, service)
            for number in range(self.runs):
                run, limit = self._run_with_limit(case, service, images, number)
                measured.service.append(run)
                measured.limit.append(limit)
            self.show(f"{case.name}: stopping the service", 1)
        return measured

    def _run_with_limit(
        self, case: Case, service: Service, images: int, number: int
    ) -> tuple[ServiceRun, LimitRun]:
        words = f"{case.name}, run {number + 1} of {self.runs}"
        limit = self._measure_limit(case, words) if number % 2 == 0 else None
        run = self.run(case, service, images, f"run{number}", words)
        return run, limit or self._measure_limit(case, words)

    def probe(self, case: Case, service: Service) -> int:
        """How many images take about the wanted time, told by a short job after one that warms up."""
        for marker in ("warm", "probe"):
            run = self.run(case, service, case.probe_images, marker, f"{case.name}, warming up")
        images = int(run.images_per_second * self.seconds)
        return max(10, round(images, 1 - len(str(images))))

    def run(self, case: Case, service: Service, images: int, marker: str, words: str) -> ServiceRun:
        """Runs one job; `marker` makes its URLs differ from those of other jobs, `words` say what it is."""
        body = write_job(case, self.origin.photo_url(case.photo), images, marker)
        return self.run_body(body, service, images, words)

    def run_body(
        self,
        body: bytes,
        service: Service,
        images: int,
        words: str,
        wait: Callable[[Service], None] = lambda _: None,
    ) -> ServiceRun:
        """Runs a job as it is submitted; `wait` waits for work that goes on after its end, and counts."""
        self.show(f"{words}: service", 0)
        ours = service.kinds()
        with accounting.PeakMemory(service.pids) as memory:
            before = self._account(service)
            seconds = service.time_job(
                body, images, lambda done: self.show(f"{words}: service", done / images)
            )
            ended_at = time.perf_counter()
            wait(service)
            seconds += time.perf_counter() - ended_at
            after = self._account(service)
        now = service.kinds()
        if any(ours[kind] != now[kind] for kind in ("api", "worker")):
            raise BenchFailed(f"a process of the service died in the run:\n{service.scratch.log_end()}")
        return _service_run(images, seconds, before, after, memory.peak_bytes, self.cores)

    def _account(self, service: Service) -> "_Account":
        origin = accounting.with_descendants(self.origin.keeper_pid)[1:]
        kinds = {**service.kinds(), "origin": origin, "bench": [os.getpid()]}
        return _Account(
            at=time.perf_counter(),
            cpu_seconds=accounting.cpu_seconds(kinds),
            machine_cpu_seconds=accounting.machine_cpu_seconds(),
            origin_bytes=accounting.bytes_written(origin),
        )

    def _measure_limit(self, case: Case, words: str) -> LimitRun:
        seconds = max(1.0, self.seconds * _LIMIT_SHARE)
        self.show(f"{words}: {limits.fetch_tool()}", 0)
        fetches = limits.fetch_limit(
            case,
            self.origin.photo_url(case.photo),
            connections=connections(self.settings),
            processes=self.cores,
            seconds=seconds,
        )
        decodes = None
        if case.depth is Depth.DECODE:
            self.show(f"{words}: decode loop", 0)
            decodes = limits.decode_limit(
                self.origin.photo_path(case.photo), processes=self.cores, seconds=seconds
            )
        return LimitRun(fetches_per_second=fetches, decodes_per_second=decodes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """All counters at one moment."""

    at: float
    cpu_seconds: dict[str, float]
    machine_cpu_seconds: float
    origin_bytes: int | None


def _service_run(
    images: int, seconds: float, before: _Account, after: _Account, peak_bytes: int, cores: int
) -> ServiceRun:
    spent = {kind: after.cpu_seconds[kind] - before.cpu_seconds[kind] for kind in after.cpu_seconds}
    machine = after.machine_cpu_seconds - before.machine_cpu_seconds
    ours, cores_seconds = sum(spent.values()), cores * (after.at - before.at)
    sent = None
    if before.origin_bytes is not None and after.origin_bytes is not None:
        sent = (after.origin_bytes - before.origin_bytes) / images
    return ServiceRun(
        images=images,
        seconds=seconds,
        images_per_second=images / seconds,
        cpu_us_per_image={kind: 1e6 * cpu / images for kind, cpu in spent.items()},
        bytes_per_image=sent,
        peak_pss_bytes=peak_bytes,
        our_share=ours / cores_seconds,
        others_share=max(0.0, machine - ours) / cores_seconds,
    )
