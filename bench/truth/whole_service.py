"""What it takes from the whole service to tell which photos to trust: with everything on, in part, and off.

The photos are all different, and a few of them bad (`varied`). Each run has a fresh service, as a photo that
it has seen before is a copy. A run ends when the last photo has been searched for, not when its job ends.
"""

from collections.abc import Mapping, Sequence

from bench.case_runner import Bench, ServiceRun
from bench.cases import LARGE, MEDIUM, Photo
from bench.figures import Figure, at_least
from bench.service import Service, running_service, write_submit
from bench.truth.varied import draw_varied
from retailpulse.domain.images import Depth

_NO_PICTURES = {
    "RETAILPULSE_MEASURE_THUMBNAILS": "false",
    "RETAILPULSE_MEASURE_REVIEW_PICTURES": "off",
}
_OFF = {**_NO_PICTURES, "RETAILPULSE_MEASURE_ANALYZERS": "", "RETAILPULSE_MATCHES_WINDOW_DAYS": "0"}
WAYS: Mapping[str, Mapping[str, str]] = {
    "with all": {},
    "without pictures": _NO_PICTURES,
    "without any": _OFF,
}
"""Settings of the service by what is on: analyzers and the search for copies; pictures for people."""
COUNTS = {MEDIUM: 1_000, LARGE: 200}
_WARMING = 7
"""One photo in so many is of a first job, which only warms up."""
_SEARCHED = "SELECT NOT EXISTS (SELECT FROM fingerprint_queue) AND NOT EXISTS (SELECT FROM match_queue)"
_KINDS = ("api", "worker", "decoder", "postgres")


def measure(bench: Bench) -> list[Figure]:
    """Photos of 1.2 and of 12 MP."""
    return [figure for photo, count in COUNTS.items() for figure in _measure(bench, photo, count)]


def _measure(bench: Bench, photo: Photo, count: int) -> list[Figure]:
    name = f"truth-service, {photo.name}"
    bench.show(f"{name}: drawing {count} photos", 0)
    urls = [f"{bench.origin.url}/{file}" for file in draw_varied(photo, count, bench.origin.folder)]
    runs: dict[str, list[ServiceRun]] = {way: [] for way in WAYS}
    flagged: list[float] = []
    for number in range(bench.runs):
        for way in list(WAYS)[:: 1 if number % 2 == 0 else -1]:
            words = f"{name}, {way}, run {number + 1} of {bench.runs}"
            with running_service(bench.cores, {**bench.settings, **WAYS[way]}) as service:
                runs[way].append(_run(bench, service, urls, words))
                if not WAYS[way]:
                    flagged.append(_flagged(service) / count)
    for file in bench.origin.folder.glob(f"{photo.name}-*.jpg"):
        file.unlink()
    share = Figure(case=name, about="share of photos flagged", runs=flagged)
    return [*(figure for way in WAYS for figure in _figures(name, way, runs)), share]


def _run(bench: Bench, service: Service, urls: Sequence[str], words: str) -> ServiceRun:
    warming = len(urls) // _WARMING
    bench.run_body(write_submit(urls[:warming], Depth.DECODE), service, warming, words, _wait)
    left = urls[warming:]
    return bench.run_body(write_submit(left, Depth.DECODE), service, len(left), words, _wait)


def _wait(service: Service) -> None:
    with service.database() as connection:
        service.wait_until(lambda: connection.execute(_SEARCHED).fetchone() == (True,))


def _flagged(service: Service) -> int:
    with service.database() as connection:
        row = connection.execute("SELECT sum(flagged) FROM jobs").fetchone()
    return int(row[0]) if row else 0


def _figures(name: str, way: str, runs: Mapping[str, Sequence[ServiceRun]]) -> list[Figure]:
    without = runs["without any"]
    is_judged = way != "without any"
    rates = Figure(
        case=name,
        about=f"images, {way}",
        unit="/s",
        runs=[run.images_per_second for run in runs[way]],
        limits=[run.images_per_second for run in without] if is_judged else (),
        limit_name="without any" if is_judged else "",
        target=at_least(0.9) if is_judged else None,
    )
    cpu = [_cpu_ms(run) for run in runs[way]]
    beside = [_cpu_ms(run) for run in without] if is_judged else []
    costs = Figure(
        case=name,
        about=f"CPU per image, {way}",
        unit="ms",
        runs=cpu,
        limits=beside,
        limit_name="without any" if is_judged else "",
    )
    return [rates, costs]


def _cpu_ms(run: ServiceRun) -> float:
    return sum(run.cpu_us_per_image[kind] for kind in _KINDS) / 1e3
