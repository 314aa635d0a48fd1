"""What one call of the bench does, by name: cases, other parts, scheduling, truth, hosts that misbehave."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import backlog, capacity, latency, observe, submits, tabs, worker_scaling
from bench.case_runner import Bench, Measured
from bench.cases import BenchFailed, Case, choose_cases
from bench.environment import Environment, describe_environment
from bench.figures import Figure
from bench.hostile import attack, bombs, dead_host, rate_limited, tricks
from bench.hostile.hostile_env import HostileEnv
from bench.origin import running_origin
from bench.pages import part as pages
from bench.progress import Bar
from bench.scheduling import SCHEDULING
from bench.service import connections
from bench.truth.figures import TRUTH, TruthEnv

PARTS: dict[str, Callable[[Bench], list[Figure]]] = {
    module.NAME: module.measure for module in (submits, latency, backlog, worker_scaling, tabs)
}
ONLY_NAMED: dict[str, Callable[[Bench], list[Figure]]] = {
    pages.NAME: pages.measure,
    observe.NAME: observe.measure,
    capacity.NAME: capacity.measure,
}
"""Parts that are measured only if they are named."""
HOSTILE: Mapping[str, Callable[[HostileEnv], list[Figure]]] = {
    module.NAME: module.measure for module in (dead_host, rate_limited, tricks, bombs, attack)
}
_ALL_HOSTILE, _ALL_SCHEDULING, _ALL_TRUTH = "hostile", "scheduling", "truth"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be measured, by name."""

    cases: Sequence[Case]
    parts: Sequence[str]
    scheduling: Sequence[str]
    truth: Sequence[str]
    hostile: Sequence[str]

    @property
    def steps(self) -> int:
        """How many there are of all."""
        return sum(map(len, (self.cases, self.parts, self.scheduling, self.truth, self.hostile)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """How it is to be measured; `images` and `full` are for the hosts that misbehave, `photos` for truth."""

    cores: int
    runs: int
    seconds: float
    images: int
    full: bool
    photos: Path | None
    settings: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Everything that was measured, and on what."""

    found: Environment
    measured: Sequence[Measured]
    figures: Sequence[Figure]


def choose(words: Sequence[str]) -> Plan:
    """The plan that words name; without a word all cases and parts, but nothing that has a name for all."""
    groups = {*HOSTILE, _ALL_HOSTILE, *SCHEDULING, _ALL_SCHEDULING, *TRUTH, _ALL_TRUTH}
    hostile = [name for name in HOSTILE if name in words or _ALL_HOSTILE in words]
    scheduling = [name for name in SCHEDULING if name in words or _ALL_SCHEDULING in words]
    truth = [name for name in TRUTH if name in words or _ALL_TRUTH in words]
    parts = [name for name in PARTS if name in words or not words]
    parts += [name for name in ONLY_NAMED if name in words]
    others = [word for word in words if word not in {*groups, *PARTS, *ONLY_NAMED}]
    if hostile and (parts or scheduling or truth or others):
        raise BenchFailed("cases beside hosts that misbehave are not run together with others")
    also = [*PARTS, *ONLY_NAMED, _ALL_SCHEDULING, *SCHEDULING, _ALL_TRUTH, *TRUTH, *HOSTILE, _ALL_HOSTILE]
    cases = choose_cases(others, also=also) if others or not words else []
    return Plan(cases=cases, parts=parts, scheduling=scheduling, truth=truth, hostile=hostile)


def run_plan(plan: Plan, options: PlanOptions, bar: Bar) -> Outcome:
    """Measures all of a plan, each case on a fresh service, all on one origin."""
    measured: list[Measured] = []
    figures: list[Figure] = []
    with ExitStack() as stack:
        bar.show("drawing the photos", 0)
        origin = stack.enter_context(running_origin(options.cores))
        bench = Bench(
            origin=origin,
            cores=options.cores,
            runs=options.runs,
            seconds=options.seconds,
            settings=options.settings,
            show=bar.show,
        )
        env = HostileEnv(
            origin=origin,
            cores=options.cores,
            runs=options.runs,
            images=options.images,
            full=options.full,
            settings=options.settings,
            show=bar.show,
        )
        steps = _Steps(bar, plan.steps)
        for case in plan.cases:
            steps.next()
            measured.append(bench.measure(case))
            figures += measured[-1].figures()
        for name in plan.parts:
            steps.next()
            figures += (PARTS | ONLY_NAMED)[name](bench)
        for name in plan.scheduling:
            steps.next()
            figures += SCHEDULING[name](bench)
        for name in plan.truth:
            steps.next()
            figures += TRUTH[name](TruthEnv(bench=bench, folder=options.photos))
        for name in plan.hostile:
            steps.next()
            figures += HOSTILE[name](env)
        return Outcome(found=_look_around(bench), measured=measured, figures=figures)


class _Steps:
    """Counts the steps on the progress line."""

    def __init__(self, bar: Bar, count: int) -> None:
        self._bar = bar
        self._count = count
        self._number = 0

    def next(self) -> None:
        """The next one begins."""
        self._number += 1
        self._bar.place = f"{self._number}/{self._count}"


def _look_around(bench: Bench) -> Environment:
    return describe_environment(
        origin=bench.origin.name,
        cores=bench.cores,
        connections=connections(bench.settings),
        runs=bench.runs,
        seconds=bench.seconds,
        settings=dict(bench.settings),
    )
