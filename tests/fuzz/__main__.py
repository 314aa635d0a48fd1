"""Runs the fuzz tests with many cases and a seed: `python -m tests.fuzz --cases 100000 --seed 7`."""

import argparse
import secrets
import sys
from pathlib import Path

import pytest


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=24_000, help="cases in all (24000)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="at random")
    arguments, others = parser.parse_known_args()
    again = f'make fuzz ARGS="--cases {arguments.cases} --seed {arguments.seed}"'
    print(f"{arguments.cases:,} cases with seed {arguments.seed}", flush=True)
    code = pytest.main(
        [
            str(Path(__file__).parent),
            f"--cases={arguments.cases}",
            f"--hypothesis-seed={arguments.seed}",
            "--capture=no",
            "--timeout=0",  # a case has its own time limit; a whole run takes as long as was asked for
            *others,
        ]
    )
    print(f"The same again: {again}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
