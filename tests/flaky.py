"""Runs one test many times while every core is busy, and tells how often it failed, and how first.

Weak: it loads processors alone, neither disks nor memory; a machine with more to do than that finds more.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

BURN = "while True: pass"
SHOWN_LINES = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives 0 where no run failed, 1 where one did, 2 where nothing could be run."""
    parser = argparse.ArgumentParser(prog="make flaky", description=__doc__)
    parser.add_argument("test", help="what pytest is told to run: tests/api/test_docs.py::test_name")
    parser.add_argument("--times", type=int, default=20, help="how often (%(default)s)")
    parser.add_argument(
        "--load", type=int, default=2 * (os.cpu_count() or 1), help="busy processes beside it (%(default)s)"
    )
    asked = parser.parse_args(arguments)
    failures: list[str] = []
    with busy(asked.load):
        for number in range(1, asked.times + 1):
            run = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", asked.test],
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode not in {0, 1}:  # 1: some test failed
                print(run.stdout[-2_000:] + run.stderr[-2_000:])
                return 2
            if run.returncode:
                failures.append(run.stdout)
            print(f"{number} of {asked.times}: {'failed' if run.returncode else 'passed'}", flush=True)
    if failures:
        print("The first that failed:", *failures[0].splitlines()[-SHOWN_LINES:], sep="\n")
    print(f"{len(failures)} of {asked.times} runs failed beside {asked.load} busy processes.")
    return 1 if failures else 0


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but take time, while the block runs."""
    burning = [subprocess.Popen([sys.executable, "-S", "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
