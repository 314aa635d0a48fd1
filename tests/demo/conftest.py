"""What the tests of the demo share: the album, drawn once."""

from pathlib import Path

import pytest

from retailpulse.demo.album import ALBUM
from retailpulse.demo.photos import draw_album


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first three takes of the album: every kind of file but PNG."""
    folder = tmp_path_factory.mktemp("album")
    for _ in draw_album(ALBUM[:3], folder):
        pass
    return folder
