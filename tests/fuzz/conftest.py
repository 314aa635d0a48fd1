"""The two profiles: `quick`, the same few cases on every run, and `fuzz`, many that differ by the seed."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.cases import FUZZ, QUICK, CaseCounter

QUICK_CASES = 2_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, default=0, help="fuzz with so many cases; 0: the quick ones")


def pytest_configure(config: pytest.Config) -> None:
    cases = _cases(config)
    settings.register_profile(
        QUICK,
        max_examples=QUICK_CASES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.register_profile(
        FUZZ, settings.get_profile(QUICK), max_examples=max(1, cases), derandomize=False, print_blob=True
    )
    if cases:
        settings.load_profile(FUZZ)


@pytest.fixture(scope="session")
def counter(request: pytest.FixtureRequest) -> Iterator[CaseCounter]:
    """Counts the cases of this run."""
    cases = _cases(request.config)
    counting = CaseCounter(total=cases or QUICK_CASES, is_watched=cases > 0)
    yield counting
    counting.conclude()


def _cases(config: pytest.Config) -> int:
    return int(config.getoption("cases", default=0))
