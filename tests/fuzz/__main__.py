"""Runs the fuzz tests with many cases and a seed: `python -m tests.fuzz --cases 100000 --seed 7`.

Many cases are run in rounds, each in a process of its own with the next seed: what Hypothesis keeps of each
case would fill the memory. A round that fails is the last, and says how it alone is run again.
"""

import argparse
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fuzz import mass

ROUND_CASES = 100_000
SEEDS = 1 << 32


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Run the fuzz tests with many cases.")
    parser.add_argument("--cases", type=int, default=24_000, help="cases in all (24000)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(SEEDS), help="at random")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after so many")
    parser.add_argument("--headers", action="store_true", help="readers of headers alone, at great speed")
    arguments, others = parser.parse_known_args()
    if arguments.headers:
        return mass.run(arguments.cases, arguments.seed)
    began_at, done = time.monotonic(), 0
    for seed, cases in rounds(arguments.cases, arguments.seed):
        seconds = time.monotonic() - began_at
        if seconds > arguments.minutes * 60:
            break
        print(f"{cases:,} cases with seed {seed}; {done:,} are done after {seconds:.0f} s", flush=True)
        code = run(cases, seed, others)
        print(f'The same again: make fuzz ARGS="--cases {cases} --seed {seed}"', flush=True)
        if code:
            return code
        done += cases
    print(f"{done:,} cases in {time.monotonic() - began_at:.0f} s, nothing found")
    return 0


def rounds(cases: int, seed: int) -> Iterator[tuple[int, int]]:
    """The seed and the number of cases of each round."""
    for number, start in enumerate(range(0, cases, ROUND_CASES)):
        yield (seed + number) % SEEDS, min(ROUND_CASES, cases - start)


def run(cases: int, seed: int, others: Sequence[str]) -> int:
    """Runs one round; gives the exit code."""
    # A case has its own time limit; a whole run takes as long as was asked for.
    options = (f"--cases={cases}", f"--hypothesis-seed={seed}", "--capture=no", "--timeout=0")
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), *options, *others]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
