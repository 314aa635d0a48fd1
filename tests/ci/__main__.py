"""What .ci/run asks for: `judge`, `skipped` and `close`; the variable REPORTS names the folder of reports."""

import argparse
import os
from pathlib import Path

from tests.ci.closing import counts, remember, repeated, repeated_lines
from tests.ci.judging import judge, read


def main() -> int:
    """Does one of the three and gives an exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.ci")
    commands = parser.add_subparsers(dest="command", required=True)
    judging = commands.add_parser("judge", help="run tests by make, and once more what failed")
    judging.add_argument("name", help="name of the report")
    judging.add_argument("target", help="the command of make")
    judging.add_argument("arguments", nargs="?", default="", help="what make hands on to pytest")
    skipped = commands.add_parser("skipped", help="print the tests that a report calls skipped")
    skipped.add_argument("name", help="name of the report")
    closing = commands.add_parser("close", help="say how it went")
    closing.add_argument("--history", type=Path, help="file of what was repeated lately")
    wanted, reports = parser.parse_args(), Path(os.environ["REPORTS"])
    if wanted.command == "judge":
        return judge(["make", wanted.target], wanted.arguments, reports, wanted.name)
    if wanted.command == "skipped":
        report = read(reports / f"{wanted.name}.json")
        print("\n".join(report.skipped if report else ()))
    else:
        close(reports, wanted.history)
    return 0


def close(reports: Path, history: Path | None) -> None:
    """Prints the closing lines; what was repeated comes last."""
    print(*counts(reports), sep="\n")
    tests = repeated(reports)
    print(*repeated_lines(tests, remember(history, sorted(tests)) if history else None), sep="\n")


if __name__ == "__main__":
    raise SystemExit(main())
