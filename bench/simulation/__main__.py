"""`python -m bench.simulation`: every design and goal, and every trouble, as two tables in Markdown."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from bench.simulation import goals, troubles
from bench.simulation.clock import seeded
from bench.simulation.designs import (
    DESIGNS,
    EARLY,
    Design,
    large_slices,
    rounded_up_slices,
    slices,
)
from bench.simulation.photo_host import Says

GOALS: Mapping[str, Callable[[Design], str]] = {
    "held / in flight after 3 s, 2 workers": lambda design: "{:,} / {}".format(*goals.held(design, 2)),
    "the same, 8 workers": lambda design: "{:,} / {}".format(*goals.held(design, 8)),
    "one image of priority 100, in latencies": lambda d: f"{goals.urgent_latencies(d, 2, 100):.1f}",
    "one image of priority 0, in latencies": lambda d: f"{goals.urgent_latencies(d, 2, 0):.1f}",
    "one image at an idle host": lambda design: f"{goals.idle_host_seconds(design, 2):.2f} s",
    "requests after a cancel": lambda design: str(goals.late_requests(design, 2, heard=True)),
    "requests after a cancel that was not heard": lambda d: str(goals.late_requests(d, 2, heard=False)),
    "ten equal jobs, 8 workers: spread, most": lambda d: "{:.1%}, {}".format(*goals.spread(d, 8, 0.5, 1.5)),
    "200 hosts of 1-3 s, of 1,600/s": lambda design: f"{goals.slow_hosts_rate(design)[0]:,.0f}",
    "one host of 10 ms, 8 workers": lambda design: f"{goals.fast_host_rate(design):,.0f}/s",
}
LATE_GOALS: Mapping[str, Callable[[Design], str]] = {
    "priority 50 among four of 0, of its time alone": lambda d: f"{goals.urgent_job_times(d):.2f}",
    "one of four killed: full again, most": lambda d: "{:.1f} s, {}".format(*goals.after_a_crash(d)[:2]),
    "a second worker has its half": lambda design: f"{goals.joined_after(design):.2f} s",
}
WORKERS = (1, 2, 4)
Of = TypeVar("Of")


def _narrow(bears: int, refuses: Says, workers: int, design: troubles.LateDesign = slices) -> str:
    seen = troubles.bears_few(bears, refuses, workers, design)
    ended = f"{seen.seconds:.1f} s" if seen.done + seen.lost == troubles.IMAGES else "never"
    return f"{seen.lost} lost, {ended}, cap {seen.cap}"


def _grown(latency: float, workers: int) -> str:
    seen = troubles.fast_host(workers, latency)
    return (
        f"most {seen.max_in_flight}, {seen.done / seen.seconds:,.0f}/s, {seen.overtaken} of {seen.decisions}"
    )


def _found(workers: int) -> str:
    seen = troubles.fast_host_of(24, workers)
    refused = f"{seen.refused / seen.requests:.2%} refused"
    return f"most {seen.max_in_flight}, {seen.done / seen.seconds:,.0f}/s, {refused}"


def _outage(workers: int) -> str:
    requests, seconds, _ = troubles.outage(workers, 30.0)
    return f"{requests} requests, {seconds:.1f} s"


def _redirected(workers: int) -> str:
    led, store = troubles.redirected(workers)
    return f"{led.lost} lost, {led.seconds:.1f} s, most {store.max_in_flight}"


TROUBLES: Mapping[str, Callable[[int], str]] = {
    "bears 2, resets the rest": partial(_narrow, 2, Says.RESET),
    "bears 1, resets the rest": partial(_narrow, 1, Says.RESET),
    "bears 2, 429 to the rest": partial(_narrow, 2, Says.TOO_MANY),
    "bears 1, 429 to the rest": partial(_narrow, 1, Says.TOO_MANY),
    "bears 1, 429, shares rounded up": partial(_narrow, 1, Says.TOO_MANY, design=rounded_up_slices),
    "10 ms: most, rate, decisions overtaken": partial(_grown, 0.01),
    "50 ms: most, rate, decisions overtaken": partial(_grown, 0.05),
    "10 ms, bears 24": _found,
    "down for 30 s: requests meanwhile, then full after": _outage,
    "redirects to a slower host with a job of its own": _redirected,
}


def main() -> None:
    """Print both tables."""
    _row("", DESIGNS)
    _row("---", ["---"] * len(DESIGNS))
    for name, goal in {**GOALS, **LATE_GOALS}.items():
        told = [
            _described(goal, design) for of, design in DESIGNS.items() if name in GOALS or of not in EARLY
        ]
        _row(name, [*["-"] * (len(DESIGNS) - len(told)), *told])
    print()
    skipping = _described(LATE_GOALS["priority 50 among four of 0, of its time alone"], large_slices)
    print(f"priority 50 among four of 0 where each slice has as many images as fit: {skipping}\n")
    _row("slices", [f"{workers} workers" for workers in WORKERS])
    _row("---", ["---"] * len(WORKERS))
    for name, trouble in TROUBLES.items():
        _row(name, [_described(trouble, workers) for workers in WORKERS])


def _row(name: str, cells: Iterable[str]) -> None:
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _described(scenario: Callable[[Of], str], of: Of) -> str:
    with seeded():
        return scenario(of)


if __name__ == "__main__":
    main()
