"""Every trick of the hostile origin in one job with a few good photos: who waits, and is every cause right?

The limits of time are lowered, unless the run is a full one, so that it takes less than minutes.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from tests.hostile import MEASURED, HostileOrigin, Trick

from bench.figures import Figure, at_most
from bench.hostile.hostile_env import HostileEnv, evenly, hostile_origin, unexpected
from retailpulse.config.settings import FetchSettings

NAME = "tricks"
BAD, GOOD = 1_000, 200
LOWERED = {
    "RETAILPULSE_FETCH_TIMEOUT_SECONDS": "10",
    "RETAILPULSE_FETCH_STALL_SECONDS": "3",
    "RETAILPULSE_FETCH_CONNECT_TIMEOUT_SECONDS": "2",
    "RETAILPULSE_FETCH_TLS_TIMEOUT_SECONDS": "3",
    "RETAILPULSE_FETCH_DEADLINE_SECONDS": "30",
}


def measure(env: HostileEnv) -> list[Figure]:
    """The good ones alone, then all together."""
    settings = {} if env.full else LOWERED
    case = f"{NAME}, {'default' if env.full else 'lowered'} limits"
    with hostile_origin() as hostile:
        bad = dict(islice(_tricks(hostile), BAD))
        urls = evenly(list(bad), env.good_urls(GOOD, "beside"))
        with env.service(hostile, settings) as service:
            env.run(service, env.good_urls(GOOD, "warm"), f"{case}: warming up")
            before = env.run(service, env.good_urls(GOOD, "before"), f"{case}: good ones alone")
            both = env.run(service, urls, f"{case}: all")
    deadline = float(settings.get("RETAILPULSE_FETCH_DEADLINE_SECONDS", FetchSettings().deadline_seconds))
    alone, beside = before.settled_seconds(), both.settled_seconds(lambda one: one["image_url"] not in bad)
    wrong = unexpected(both, bad)
    return [
        Figure(case=case, about="good ones alone", runs=[alone], unit="s"),
        Figure(case=case, about="good ones beside the tricks", runs=[beside], unit="s"),
        Figure(case=case, about="all that are measured", runs=[both.settled_seconds(_is_measured)], unit="s"),
        Figure(case=case, about="the whole job", runs=[both.ended.seconds], unit="s"),
        Figure(
            case=case, about="of the deadline of one image", runs=[both.ended.seconds / deadline], unit="x"
        ),
        *(
            Figure(case=case, about=words, runs=[count], target=at_most(0))
            for words, count in (wrong or {"results other than the catalogue's": 0}).items()
        ),
    ]


def _tricks(hostile: HostileOrigin) -> Iterator[tuple[str, Trick]]:
    light = [trick for trick in hostile.tricks.values() if not trick.heavy]
    for number, trick in enumerate(cycle(light)):
        yield hostile.url(trick.name, f"photos/{number}.jpg"), trick


def _is_measured(result: dict[str, Any]) -> bool:
    return bool(result["outcome"] == MEASURED)
