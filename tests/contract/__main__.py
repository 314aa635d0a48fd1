"""`make fuzz-api`: holds a service of its own, or one that runs, to its description for some minutes."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.contract.running import UNHURRIED, hold_to_description, load_stores, make_key
from tests.running import RunningService

EXAMPLES = """\
examples:
  make fuzz-api
  make fuzz-api ARGS="--minutes 20 --seed 7"
  make fuzz-api ARGS="--url http://127.0.0.1:9090 --key rp_..."   (it submits jobs there and loads stores)
"""


def main() -> int:
    """Exit code 0: nothing found; 1: something was, and is shown with a request that shows it again."""
    parser = argparse.ArgumentParser(
        prog="make fuzz-api",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="what to begin with (default: 1)")
    parser.add_argument("--url", help="a service that runs; otherwise one is started, and thrown away after")
    parser.add_argument("--key", help="an API key of that service")
    parser.add_argument(
        "--with-keys", action="store_true", help="let the service that is started ask for keys"
    )
    args = parser.parse_args()
    asked = ("--max-time", str(max(1, round(args.minutes * 60))), "--seed", str(args.seed))
    if args.url:
        return hold_to_description(args.url, *asked, key=args.key, catch=False).returncode
    with tempfile.TemporaryDirectory(prefix="rp-fuzz-") as folder:
        service = RunningService(Path(folder), environment=UNHURRIED)
        try:
            service.wait_until_ready()
            key = make_key(service) if args.with_keys else None
            load_stores(service, key)
            return hold_to_description(service.url, *asked, key=key, catch=False).returncode
        finally:
            service.stop()


if __name__ == "__main__":
    sys.exit(main())
