"""The running service does what its description says, whatever it is asked."""

import pytest

from tests.contract.running import STORES, always_the_same, hold_to_description
from tests.running import RunningService


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_service_keeps_to_its_description(service: RunningService) -> None:
    assert service.http.put("/api/v1/stores", content=STORES).status_code == 200
    run = hold_to_description(service.url, *always_the_same(12))
    assert run.returncode == 0, run.stdout[-12_000:]
    assert "unexpected error" not in service.log()
