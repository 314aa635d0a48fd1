"""Sums of one process, and of many together."""

from retailpulse.telemetry.catalogue import (
    CALLBACK_TRIES,
    CRASHES,
    EVENT_LOOP_LATE_TURNS,
    FETCHED_BYTES,
    HTTP_SECONDS,
    SETTLE,
    TRANSFERS_IN_FLIGHT,
)
from retailpulse.telemetry.instruments import Instruments, Totals


def together(*tallies: Instruments) -> Totals:
    """The sums of processes, as the database adds them up."""
    sums: dict[tuple[str, str], float] = {}
    for instruments in tallies:
        for name, value in instruments.sums().items():
            sums["worker", name] = sums.get(("worker", name), 0.0) + value
    return Totals(sums)


def test_a_sample_falls_in_the_first_bucket_whose_bound_it_is_not_over() -> None:
    instruments = Instruments()
    for seconds in (0.0005, 0.001, 0.0011, 3.0, 60.0, 61.0):
        instruments.histogram(SETTLE).observe(seconds)
    counts, total = together(instruments).histograms(SETTLE)[()]
    expected = dict.fromkeys(SETTLE.bounds, 0) | {0.001: 2, 0.0025: 1, 5.0: 1, 60.0: 1}
    assert counts == [*expected.values(), 1]
    assert total == 0.0005 + 0.001 + 0.0011 + 3.0 + 60.0 + 61.0


def test_sums_go_on_from_where_they_were_read() -> None:
    instruments = Instruments()
    for seconds in (0.5, 0.5, 2.0):
        instruments.histogram(SETTLE).observe(seconds)
        before = instruments.sums()
    assert instruments.sums() == before
    counts, total = together(instruments).histograms(SETTLE)[()]
    assert (sum(counts), total) == (3, 3.0)


def test_processes_add_up_label_by_label() -> None:
    first, second = Instruments(), Instruments()
    first.count(CRASHES, "decoder", amount=2)
    second.count(CRASHES, "decoder")
    first.histogram(HTTP_SECONDS, "/health/live", "GET").observe(0.1)
    second.histogram(HTTP_SECONDS, "/health/live", "GET").observe(0.2)
    second.histogram(HTTP_SECONDS, "/health/ready", "GET").observe(0.3)
    totals = together(first, second)
    assert totals.counters(CRASHES) == {("decoder",): 3}
    seconds = {labels: total for labels, (_, total) in totals.histograms(HTTP_SECONDS).items()}
    assert seconds == {("/health/live", "GET"): 0.1 + 0.2, ("/health/ready", "GET"): 0.3}


def test_what_nothing_has_counted_yet_is_told_as_nothing() -> None:
    totals = together(Instruments())
    assert totals.counters(FETCHED_BYTES) == {(): 0}
    assert totals.histograms(SETTLE) == {(): ([0.0] * (len(SETTLE.bounds) + 1), 0.0)}
    assert totals.histograms(HTTP_SECONDS) == {}
    assert totals.counters(CALLBACK_TRIES) == {("delivered",): 0, ("failed",): 0, ("given_up",): 0}
    assert totals.histograms(EVENT_LOOP_LATE_TURNS).keys() == {("api",), ("worker",)}


def test_samples_of_a_version_with_other_buckets_are_not_lost() -> None:
    totals = Totals({("worker", f"{SETTLE.name}|0.007"): 3, ("worker", f"{SETTLE.name}|1000.0"): 2})
    counts, _ = totals.histograms(SETTLE)[()]
    assert counts[SETTLE.bounds.index(0.01)] == 3
    assert counts[-1] == 2


def test_a_counter_and_a_gauge_are_given_to_the_part_that_knows_them() -> None:
    instruments, transfers = Instruments(), [1, 2, 3]
    instruments.counter(FETCHED_BYTES).value += 10
    instruments.counter(FETCHED_BYTES).value += 5
    assert instruments.sums() == {FETCHED_BYTES.name: 15}
    assert instruments.value(TRANSFERS_IN_FLIGHT) == 0
    instruments.gauge(TRANSFERS_IN_FLIGHT, lambda: len(transfers))
    assert instruments.value(TRANSFERS_IN_FLIGHT) == 3
