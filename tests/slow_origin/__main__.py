"""`python -m tests.slow_origin HOSTS [NUMBER=MANNERS...]`: serves until standard input ends."""

import sys

from tests.slow_origin.server import run

if __name__ == "__main__":
    run(int(sys.argv[1]), {int(n): manners for n, _, manners in (a.partition("=") for a in sys.argv[2:])})
