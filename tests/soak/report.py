"""What a soak came to, for people and as JSON."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Report:
    """The figures of one run; `problems` is empty where every promise held."""

    seed: int
    fault_seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    cancelled_jobs: int = 0
    images: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    repeated_share: float = 0.0
    longest_pause_seconds: float = 0.0
    retried_requests: int = 0
    problems: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Everything, as it is written to a file."""
        return {**vars(self), "faults": dict(self.faults), "outcomes": dict(self.outcomes)}

    def lines(self) -> list[str]:
        """The summary."""
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(self.outcomes.items()))
        lines = ["", f"seed {self.seed}, {self.fault_seconds:.0f} s of faults"]
        lines += [f"  {count:4} x {name}" for name, count in sorted(self.faults.items())]
        lines += [
            f"jobs accepted         {self.jobs:,}, of which cancelled {self.cancelled_jobs:,}",
            f"images                {self.images:,}",
            f"results               {self.outcomes.total():,}: {outcomes}",
            f"repeated downloads    {self.repeated_share:.2%} of the photos asked for",
            f"requests sent again   {self.retried_requests:,}",
            f"longest pause         {self.longest_pause_seconds:g} s without a settled image",
        ]
        lines += [f"WRONG: {text}" for text in self.problems]
        return [*lines, "every promise held" if not self.problems else f"{len(self.problems)} things are off"]
