"""Whether a text came twice is never overlooked, and seldom said where none did."""

import random

from retailpulse.storage.jobs.duplicate_detector import DuplicateDetector

URLS = [f"http://a.example/{number}.png" for number in range(5_000)]


def test_one_that_came_twice_is_seen_wherever_it_is() -> None:
    dice = random.Random(3)
    for _ in range(50):
        repeats = DuplicateDetector()
        repeats.add_all(URLS)
        repeats.add_all([dice.choice(URLS)])
        assert repeats.end()


def test_texts_that_differ_are_no_repeats() -> None:
    repeats = DuplicateDetector()
    for first in range(0, len(URLS), 10):
        repeats.add_all(URLS[first : first + 10])
    assert not repeats.end()


def test_none_and_one_are_no_repeats() -> None:
    assert not DuplicateDetector().end()
    one = DuplicateDetector()
    one.add_all([""])
    assert not one.end()
