"""A host that takes so many requests a second and refuses the rest with 429: is it asked at about its rate?

Weak: which requests fell into the first seconds is told by looks at the job, which lag a little.
"""

import time

from tests.hostile import Rate

from bench.figures import Figure, at_most
from bench.hostile.hostile_env import HostileEnv, hostile_origin

NAME = "rate-limited"
IMAGES = 300
PER_SECOND = 5
LEARNING_SECONDS = 5.0
REFUSED_LIMIT = 0.2
"""The share of requests that may be refused once the rate could be learnt."""
_TRICK = "rate-limited"


def measure(env: HostileEnv) -> list[Figure]:
    """Without Retry-After, and with it."""
    return [figure for seconds in (None, 1) for figure in _measure(env, seconds)]


def _measure(env: HostileEnv, retry_after_seconds: int | None) -> list[Figure]:
    told_what = "no Retry-After" if retry_after_seconds is None else f"Retry-After: {retry_after_seconds}"
    case = f"{NAME}, {told_what}"
    with hostile_origin(Rate(per_second=PER_SECOND, retry_after_seconds=retry_after_seconds)) as hostile:
        learnt: list[tuple[int, int]] = []  # requests and images settled when the time to learn was over

        def look(settled: int) -> None:
            if not learnt and time.monotonic() - began >= LEARNING_SECONDS:
                learnt.append((hostile.seen(_TRICK).requests, settled))

        urls = [hostile.url(_TRICK, f"{number}.jpg") for number in range(IMAGES)]
        with env.service(hostile) as service:
            began = time.monotonic()
            told = env.run(service, urls, case, look)
        asked = hostile.seen(_TRICK).requests
    early, early_settled = learnt[0] if learnt else (0, 0)
    measured = told.ended.job["images"]["measured"]
    late, late_measured = asked - early, measured - early_settled
    return [
        Figure(case=case, about="images not measured", runs=[IMAGES - measured], target=at_most(0)),
        Figure(case=case, about="requests refused in all", runs=[asked - measured]),
        Figure(
            case=case,
            about=f"share refused after {LEARNING_SECONDS:g} s",
            runs=[(late - late_measured) / max(1, late)],
            target=at_most(REFUSED_LIMIT),
        ),
        Figure(
            case=case,
            about=f"of the ideal {IMAGES / PER_SECOND:g} s",
            runs=[told.settled_seconds() / (IMAGES / PER_SECOND)],
            unit="x",
        ),
    ]
