"""What the tests of faults share: a shop to run and break, and how long a fault lasts."""

import os
from collections.abc import Callable

import pytest

from tests.lifecycle.conftest import shop
from tests.storage.servers import folder

__all__ = ["folder", "shop"]

LONG = "LONG_FAULTS"
"""Set in the environment by `make soak`: faults last as long as they do outside of tests."""


@pytest.fixture
def lasting() -> Callable[[float, float], float]:
    """Chooses between the short and the long form of a fault, in seconds."""
    return lambda short, long: long if os.environ.get(LONG) else short
