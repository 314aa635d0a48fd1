"""What the tests of the demo share: some of its photos, and one of its gondolas, drawn once."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from retailpulse.demo.album import ALBUM
from retailpulse.demo.exif import Capture
from retailpulse.demo.gondolas import GONDOLAS, draw_gondola
from retailpulse.demo.photos import draw_photo, sensor_noise

CAPTURE = Capture(
    taken_at=datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=5.5))), place=(12.97, -0.5)
)
DRAWN = [replace(photo, capture=CAPTURE) for photo in (*ALBUM[:5], ALBUM[7])]
"""Every kind of file but PNG."""

COOLER = next(gondola for gondola in GONDOLAS if gondola.name == "cooler")


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DRAWN, and the tiles of COOLER."""
    folder, noise = tmp_path_factory.mktemp("album"), sensor_noise()
    for photo in DRAWN:
        draw_photo(photo, folder, noise)
    draw_gondola(COOLER, folder, noise)
    return folder
