"""What the log tells of names that lead inside, where it alone tells it."""

import pytest

from retailpulse.fetch.target import refused_names
from retailpulse.fetch.target.refused_names import MOST_LINES, RefusedNames


def test_a_name_has_one_line_and_a_flood_of_them_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = RefusedNames()
    for number in range(MOST_LINES + 7):
        for _ in range(2):
            names.log(f"in{number}.test")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == MOST_LINES
    assert lines[0].startswith("in0.test exists, ")
    monkeypatch.setattr(refused_names, "MINUTE_SECONDS", 0.0)  # the next minute
    names.log("in0.test")
    assert [record.getMessage() for record in caplog.records][MOST_LINES:] == [
        "14 more look-ups ended at addresses that are not allowed",
        lines[0],
    ]
