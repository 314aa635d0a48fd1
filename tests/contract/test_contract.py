"""The running service does what its description says, whatever it is asked, with API keys and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.running import ALWAYS_THE_SAME, UNHURRIED, hold_to_description, load_stores, make_key
from tests.running import RunningService

SAID_BY_NO_SCHEMA = (
    "submit",
    "submitJob",
    "getStatus",
    "getVisits",
    "importStores",
    "reportVisits",
    "reportStores",
    "reportAreas",
    "reviewImage",
    "reviewImages",
    "undoReview",
    "analyze",
)
"""What a schema cannot say of these stands in schemathesis.toml and in docs/api.md."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that no other test meets: what is asked of it is anything."""
    running = RunningService(tmp_path_factory.mktemp("contract"), environment=UNHURRIED, is_migrated=True)
    try:
        yield running.wait_until_ready()
    finally:
        code = running.stop()
    assert code == 0, running.log()


@pytest.mark.parametrize("with_keys", [False, True], ids=["open", "keys"])
def test_the_service_keeps_to_its_description(alone: RunningService, with_keys: bool) -> None:
    key = make_key(alone) if with_keys else None
    load_stores(alone, key)
    run = hold_to_description(alone.url, *ALWAYS_THE_SAME, key=key)
    assert run.returncode == 0, run.stdout[-12_000:]
    assert "unexpected error" not in alone.log()
    if key is not None:
        assert key not in alone.log()


def test_the_description_is_enough_for_who_has_nothing_else(alone: RunningService, tmp_path: Path) -> None:
    load_stores(alone)
    left_out = [word for name in SAID_BY_NO_SCHEMA for word in ("--exclude-operation-id", name)]
    run = hold_to_description(alone.url, *ALWAYS_THE_SAME, *left_out, "--max-examples", "10", folder=tmp_path)
    assert run.returncode == 0, run.stdout[-12_000:]
