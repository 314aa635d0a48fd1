"""Values are believed until their time, by a clock that is a number, and the oldest go first."""

import pytest

from retailpulse.concurrency.ttl_cache import TtlCache


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_value_is_believed_until_its_time(clock: Clock) -> None:
    cache: TtlCache[str, int] = TtlCache(10, clock)
    cache.put("a", 1, until=101.0)
    clock.now = 100.9
    assert cache.get("a") == 1
    clock.now = 101.0
    assert cache.get("a") is None
    assert "a" in cache  # it is known that there was one
    assert "b" not in cache
    assert cache.get("b") is None


def test_a_value_that_is_empty_is_a_value(clock: Clock) -> None:
    cache: TtlCache[str, tuple[str, ...]] = TtlCache(10, clock)
    cache.put("a", (), until=101.0)
    assert cache.get("a") == ()


def test_what_is_put_again_is_new_in_value_and_age(clock: Clock) -> None:
    cache: TtlCache[str, int] = TtlCache(2, clock)
    cache.put("a", 1, until=101.0)
    cache.put("b", 2, until=101.0)
    cache.put("b", 2, until=101.0)
    assert (cache.get("a"), cache.get("b")) == (1, 2)
    cache.put("a", 3, until=102.0)
    assert (cache.get("a"), cache.get("b")) == (3, 2)
    cache.put("c", 4, until=101.0)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (3, None, 4)


def test_what_is_dropped_is_not_known(clock: Clock) -> None:
    cache: TtlCache[str, int] = TtlCache(2, clock)
    cache.put("a", 1, until=101.0)
    cache.drop("a")
    cache.drop("a")
    assert "a" not in cache
    assert cache.get("a") is None
