"""Good photos in one job with those of a dead host: does anybody good wait for the dead?

Dead is refused (nothing listens) or a black hole (connections are never answered). Each order gets a fresh
service, so that it has to learn. Weak: the good job is short, so its own time varies by some tens of percent.
"""

import statistics

from tests.hostile import HostileOrigin

from bench.cases import BenchFailed
from bench.figures import Figure, at_most
from bench.hostile.hostile_env import HostileEnv, JobOutcome, evenly, hostile_origin

NAME = "dead-host"
LIMIT = 1.3
"""How many times the good ones may take what they take alone."""
_DEAD = ("refused", "black-hole")
_ORDERS = ("mixed", "dead first")


def measure(env: HostileEnv) -> list[Figure]:
    """Every kind of dead host in every order."""
    with hostile_origin() as hostile:
        return [
            figure for kind in _DEAD for order in _ORDERS for figure in _measure(env, hostile, kind, order)
        ]


def _measure(env: HostileEnv, hostile: HostileOrigin, kind: str, order: str) -> list[Figure]:
    case = f"{NAME}, {kind}, {order}"
    runs = [_run(env, hostile, kind, order, f"{case}, run {n + 1} of {env.runs}") for n in range(env.runs)]
    alone, good, whole = ([run[part] for run in runs] for part in range(3))
    return [
        Figure(
            case=case,
            about="good ones",
            unit="s",
            runs=good,
            limits=alone,
            limit_name="alone",
            target=at_most(LIMIT),
        ),
        Figure(case=case, about="the whole job", unit="s", runs=whole),
    ]


def _run(
    env: HostileEnv, hostile: HostileOrigin, kind: str, order: str, words: str
) -> tuple[float, float, float]:
    """Seconds of the good ones alone, of those beside the dead, and of the whole job."""
    count = env.images
    good = env.good_urls(count, "beside")
    dead = [hostile.url(kind, f"{number}.jpg") for number in range(count)]
    urls = dead + good if order == "dead first" else evenly(good, dead)
    with env.service(hostile) as service:
        env.run(service, env.good_urls(count, "warm"), f"{words}: warming up")
        before = env.run(service, env.good_urls(count, "before"), f"{words}: good ones alone")
        both = env.run(service, urls, f"{words}: both")
        after = env.run(service, env.good_urls(count, "after"), f"{words}: good ones alone")
    alone = statistics.mean(told.settled_seconds() for told in (before, after))
    _check(both, count)
    beside = both.settled_seconds(lambda result: result["outcome"] == "measured")
    return alone, beside, both.ended.seconds


def _check(both: JobOutcome, count: int) -> None:
    """All good ones measured, all dead ones `connect`."""
    causes = both.ended.job["causes"]
    if both.ended.job["images"]["measured"] != count or causes != {"connect": count}:
        raise BenchFailed(f"expected {count} measured and {count} connect: {both.ended.job}")
