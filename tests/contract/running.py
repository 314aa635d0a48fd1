"""Runs schemathesis against a service: all checks, all phases, stateful ones too."""

import subprocess
import sys
from pathlib import Path

from tests.running import RunningService, wait_for

ROOT = Path(__file__).parents[2]
STORES = b"""AreaCode,StoreName,StoreID
7100015,"Corner Shop, Harbour Street",RP00001
7100015,Market Hall,RP00002
"""
ALWAYS_THE_SAME = ("--generation-deterministic", "--continue-on-failure", "--no-color")
"""The arguments of a run that asks the same every time."""
UNHURRIED = {
    "RETAILPULSE_API_KEY_REQUESTS_PER_MINUTE": "1000000",
    "RETAILPULSE_API_ADDRESS_REQUESTS_PER_MINUTE": "1000000",
}
"""Settings of a service that is asked faster than anybody else would."""


def make_key(service: RunningService) -> str:
    """An API key that may do everything; the service asks for keys once this returns."""
    asked = ["keys", "create", "--name", "fuzz", "--scope", "admin", "--data-dir", str(service.data_dir)]
    made = subprocess.run(
        [sys.executable, "-m", "retailpulse", *asked], text=True, check=True, stdout=subprocess.PIPE
    )
    wait_for(lambda: service.http.get("/api/v1/jobs/none").status_code == 401)
    return made.stdout.strip()


def load_stores(service: RunningService, key: str | None = None) -> None:
    """Loads the stores of the examples."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    service.http.put("/api/v1/stores", content=STORES, headers=headers).raise_for_status()


def hold_to_description(
    url: str, *arguments: str, key: str | None = None, catch: bool = True, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """One run; its exit code is 0 where it found nothing. With `catch` its words are kept, not shown.

    In another folder than this repository it knows nothing but the description.
    """
    authorization = ["--header", f"Authorization: Bearer {key}"] if key else []
    return subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *arguments, *authorization],
        cwd=folder,
        text=True,
        check=False,
        capture_output=catch,
    )
