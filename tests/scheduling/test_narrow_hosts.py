"""Hosts that bear less than they are first asked lose no photo, whatever they do with the rest."""

from collections.abc import Callable

import pytest

from tests.scheduling.stage import Stage

IMAGES = 150


@pytest.mark.slow
@pytest.mark.parametrize("manners", ["connections:2", "connections:1", "requests:1", "threads:1", "rate:20"])
def test_no_photo_is_lost(stage: Callable[..., Stage], manners: str) -> None:
    narrow = stage(1, {0: manners})
    job = narrow.finished(narrow.submit_big(20, IMAGES), 110)
    assert (job["images"]["measured"], job["causes"]) == (IMAGES, {})
