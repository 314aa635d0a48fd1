"""Runs schemathesis against a service: all checks, all phases, stateful ones too."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORES = b"""AreaCode,StoreName,StoreID
7100015,"Corner Shop, Harbour Street",RP00001
7100015,Market Hall,RP00002
"""


def hold_to_description(
    url: str, *arguments: str, key: str | None = None, catch: bool = True
) -> subprocess.CompletedProcess[str]:
    """One run; its exit code is 0 where it found nothing. With `catch` its words are kept, not shown."""
    authorization = ["--header", f"Authorization: Bearer {key}"] if key else []
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *arguments, *authorization],
        cwd=ROOT,
        text=True,
        check=False,
        capture_output=catch,
    )


def always_the_same(max_examples: int) -> Sequence[str]:
    """The arguments of a short run that asks the same every time."""
    return (
        "--generation-deterministic",
        "--max-examples",
        str(max_examples),
        "--continue-on-failure",
        "--no-color",
    )
