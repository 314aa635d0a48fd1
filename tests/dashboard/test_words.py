"""Numbers and times as pages write them: none is rounded to what it is not, and each time names its zone."""

import pytest

from retailpulse.dashboard import words


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-11-20T10:12:00Z", "20 Nov 2026 10:12 UTC"),
        ("2026-11-20T10:12:00+05:30", "20 Nov 2026 04:42 UTC"),
        ("yesterday", "yesterday"),
    ],
)
def test_the_time_of_a_visit_names_its_zone(sent: str, shown: str) -> None:
    assert words.visit_time(sent) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 9, "0%"),
        (9, 9, "100%"),
        (1, 2_000, "<0.1%"),
        (1_999_999, 2_000_000, ">99.9%"),
        (0.9997, 1, ">99.9%"),
        (0.0003, 1, "<0.1%"),
        (0.064, 1, "6.4%"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(part: float, whole: float, shown: str) -> None:
    assert words.share(part, whole) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (0.02, "<0.1 s"),
        (0.94, "0.9 s"),
        (0.96, "1 s"),
        (59.6, "1 min 0 s"),
        (376, "6 min 16 s"),
    ],
)
def test_a_duration_that_was_one_is_never_zero(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_960, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (4_100_000_000_000, "4.1 TB"),
    ],
)
def test_a_size_has_four_digits_at_most(size_bytes: int, shown: str) -> None:
    assert words.size(size_bytes) == shown
