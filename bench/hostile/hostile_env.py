"""What the cases beside misbehaving hosts share: both origins, and a service that may fetch from them.

What each case plays is in `dead_host`, `rate_limited`, `tricks`, `bombs` and `attack`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.hostile import MEASURED, NETWORK, HostileOrigin, Rate, Trick

from bench.cases import SMALL, BenchFailed, Photo
from bench.origin import Origin
from bench.scratch_process import ScratchProcess
from bench.service import Ended, Service, running_service, write_submit
from retailpulse.domain.images import Depth

_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOutcome:
    """A job that has ended, with all its results."""

    ended: Ended
    results: list[dict[str, Any]]

    def settled_seconds(self, counts: Callable[[dict[str, Any]], bool] = lambda _: True) -> float:
        """From the submit until the last of these results was settled."""
        times = [datetime.fromisoformat(result["settled_at"]) for result in self.results if counts(result)]
        return (max(times) - self.ended.submitted_at).total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class HostileEnv:
    """The good origin and what the services beside it are run with."""

    origin: Origin
    cores: int
    runs: int
    images: int
    full: bool
    settings: Mapping[str, str]
    show: Callable[[str, float], None]

    def good_urls(self, count: int, marker: str, photo: Photo = SMALL) -> list[str]:
        """URLs of good photos, each of its own; `marker` makes them differ from those of other jobs."""
        return [f"{self.origin.photo_url(photo)}?{marker}-{number}" for number in range(count)]

    @contextmanager
    def service(self, hostile: HostileOrigin, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
        """Runs a fresh service that may fetch from both origins, and from nowhere else on loopback."""
        allowed = {
            "RETAILPULSE_FETCH_ALLOWED_NETWORKS": NETWORK,
            "RETAILPULSE_FETCH_PORTS": f"{hostile.ports},{self.origin.url.rpartition(':')[2]}",
            "RETAILPULSE_FETCH_CA_FILE": str(hostile.ca_file),
        }
        with running_service(self.cores, {**allowed, **(settings or {}), **self.settings}) as service:
            yield service

    def run(
        self, service: Service, urls: Sequence[str], words: str, look: Callable[[int], None] | None = None
    ) -> JobOutcome:
        """Runs a job at depth `decode`; every image must come out settled exactly once."""

        def show(settled: int) -> None:
            self.show(words, settled / len(urls))
            if look is not None:
                look(settled)

        self.show(words, 0)
        body = write_submit(urls, Depth.DECODE)
        ended = service.run_job(body, len(urls), show, _PATIENCE_SECONDS)
        told = JobOutcome(ended=ended, results=service.results(ended))
        _check_counts(told, urls)
        return told


@contextmanager
def hostile_origin(rate: Rate | None = None) -> Iterator[HostileOrigin]:
    """Plays every trick until the context ends, in a thread of ours."""
    with ScratchProcess("hostile") as kept, HostileOrigin(kept.folder, rate=rate) as hostile:
        yield hostile


def evenly(many: Sequence[str], few: Sequence[str]) -> list[str]:
    """Both in one list, the few spread evenly among the many; one each in turn where they are as many."""
    places = [((number + 0.5) / len(urls), url) for urls in (many, few) for number, url in enumerate(urls)]
    return [url for _, url in sorted(places, key=lambda place: place[0])]


def unexpected(told: JobOutcome, bad: Mapping[str, Trick]) -> Counter[str]:
    """Results that differ from the catalogue, in words, with how many there are of each.

    `bad` says which URLs play tricks; the others should be measured.
    """
    wrong: Counter[str] = Counter()
    for result in told.results:
        trick = bad.get(result["image_url"])
        expected, detail = (MEASURED, "") if trick is None else (trick.expected, trick.detail)
        came = result["cause"] or MEASURED
        said = result["detail"] or result["suspect"] or ""
        if came != expected or detail not in said:
            name = "good" if trick is None else trick.name
            wrong[f"{name}: {expected} expected, came {came} ({said})"] += 1
    return wrong


def _check_counts(told: JobOutcome, urls: Sequence[str]) -> None:
    """What the job says of itself must agree with its results, and these with what was submitted."""
    images = told.ended.job["images"]
    measured = sum(result["outcome"] == "measured" for result in told.results)
    causes = sum(told.ended.job["causes"].values())
    said = (images["total"], images["settled"], images["measured"], images["failed"], causes)
    true = (len(urls), len(urls), measured, len(urls) - measured, len(urls) - measured)
    if said != true or [result["image_url"] for result in told.results] != list(urls):
        raise BenchFailed(f"the counts of the job are wrong: it says {said}, its results {true}")
