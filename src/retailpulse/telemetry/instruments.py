"""What one process counts and times, as sums since its start that can be added to those of other processes.

Observing is an append to a list, for the sake of what happens ten thousand times a second; sorting into
buckets is done when the sums are read. The owner must read them every few seconds, or the lists grow.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from retailpulse.telemetry.catalogue import Metric

_SEPARATOR = "|"
_SUM = "sum"


class Histogram:
    """The durations of one thing, in seconds, in buckets that do not overlap."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._unsorted: list[float] = []
        self.observe: Callable[[float], object] = self._unsorted.append

    def sums(self) -> Iterable[tuple[str, float]]:
        """How many fell in each bucket, by the bucket's upper bound, and the sum of all."""
        self._sort()
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            if count:
                yield repr(bound), count
        if any(self._counts):
            yield _SUM, self._sum

    def _sort(self) -> None:
        values = sorted(self._unsorted)
        self._unsorted.clear()
        self._sum += sum(values)
        before = 0
        for place, bound in enumerate(self._bounds):
            upto = bisect_right(values, bound)
            self._counts[place] += upto - before
            before = upto
        self._counts[-1] += len(values) - before


class Count:
    """A counter: whoever counts adds to its `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Instruments:
    """The counters, gauges and samples of a process, each by its metric and the values of its labels.

    A part that measures is given these and names its own metric; without them it gets some of its own.
    """

    def __init__(self) -> None:
        self._counters: dict[tuple[str, ...], Count] = {}
        self._samples: dict[tuple[str, ...], Histogram] = {}
        self._gauges: dict[str, Callable[[], int]] = {}

    def counter(self, metric: Metric, *labels: str) -> Count:
        """The counter of a metric; the same object at each call."""
        return self._counters.setdefault((metric.name, *labels), Count())

    def count(self, metric: Metric, *labels: str, amount: int = 1) -> None:
        """Adds `amount` to a counter."""
        self.counter(metric, *labels).value += amount

    def gauge(self, metric: Metric, read: Callable[[], int]) -> None:
        """Asks `read` for the value of a metric when it is wanted."""
        self._gauges[metric.name] = read

    def value(self, metric: Metric) -> int:
        """The value of a gauge now, 0 if nothing gives one."""
        read = self._gauges.get(metric.name)
        return 0 if read is None else read()

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        """The histogram of a metric; the same object at each call."""
        key = (metric.name, *labels)
        if key not in self._samples:
            self._samples[key] = Histogram(metric.bounds)
        return self._samples[key]

    def sums(self) -> dict[str, float]:
        """Everything so far, by names that `Totals` reads."""
        found: dict[str, float] = {
            _SEPARATOR.join(key): counter.value for key, counter in self._counters.items()
        }
        for key, histogram in self._samples.items():
            for part, value in histogram.sums():
                found[_SEPARATOR.join((*key, part))] = value
        return found


class Totals:
    """The sums of many processes together, by metric and labels."""

    def __init__(self, sums: Mapping[tuple[str, str], float]) -> None:
        """Takes sums by the kind of the process and their name."""
        self._by_metric: defaultdict[str, defaultdict[tuple[str, ...], float]] = defaultdict(
            lambda: defaultdict(float)
        )
        for (_, name), value in sums.items():
            metric, *labels = name.split(_SEPARATOR)
            self._by_metric[metric][tuple(labels)] += value

    def counters(self, metric: Metric) -> dict[tuple[str, ...], float]:
        """What was counted, by the values of the labels."""
        found: dict[tuple[str, ...], float] = dict.fromkeys(_from_start(metric), 0.0)
        return found | self._by_metric[metric.name]

    def histograms(self, metric: Metric) -> dict[tuple[str, ...], tuple[list[float], float]]:
        """How many fell in each bucket and the one above all, and the sum, by the values of the labels.

        What another version of the program has sorted by other bounds goes to the next higher one of ours.
        """
        empty: tuple[list[float], float] = ([0.0] * (len(metric.bounds) + 1), 0.0)
        found = dict.fromkeys(_from_start(metric), empty)
        for (*labels, part), value in self._by_metric[metric.name].items():
            counts, total = found.get(tuple(labels), empty)
            counts = list(counts)
            if part == _SUM:
                total = value
            else:
                counts[bisect_left(metric.bounds, float(part))] += value
            found[tuple(labels)] = (counts, total)
        return found


def _from_start(metric: Metric) -> tuple[tuple[str, ...], ...]:
    return metric.from_start if metric.labels else ((),)
