"""What the tests of faults share: a shop to run and break, and how long a fault lasts."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lifecycle.conftest import new_shop, shop
from tests.lifecycle.processes import Shop
from tests.storage.servers import folder
from tests.storage.truth import PAUSES

__all__ = ["folder", "new_shop", "shop"]

MEASURED = "FAULTS_FILE"
LONG = "LONG_FAULTS"
"""Set in the environment by `make soak`: faults last as long as they do outside of tests."""

_ASKED: dict[Path, Counter[str]] = {}


@pytest.fixture
def lasting() -> Callable[[float, float], float]:
    """Chooses between the short and the long form of a fault, in seconds."""
    return lambda short, long: long if os.environ.get(LONG) else short


@pytest.fixture(autouse=True)
def measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Writes what a fault cost into the file that FAULTS_FILE names, one line of JSON per test."""
    PAUSES.clear()
    yield
    file = os.environ.get(MEASURED)
    shop = request.node.funcargs.get("shop")
    if file and isinstance(shop, Shop):
        asked, before = shop.requests(), _ASKED.get(shop.folder, Counter())
        _ASKED[shop.folder] = asked
        photos = len(asked) - len(before)
        cost = {
            "test": request.node.name,
            "photos": photos,
            "repeated": asked.total() - before.total() - photos,
            "longest_pause_seconds": max(PAUSES, default=None),
        }
        with Path(file).open("a") as lines:
            lines.write(json.dumps(cost) + "\n")
