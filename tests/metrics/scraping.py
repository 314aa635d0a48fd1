"""Reads what `/metrics` tells, by the parser of the client library."""

import httpx
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]


def parse(text: str) -> Samples:
    """Every sample by its name and its labels; each may come only once."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def parse_open_metrics(text: str) -> list[Metric]:
    """Every family, by the strict parser of the other format."""
    return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def scrape(http: httpx.Client) -> Samples:
    """What an API process tells now."""
    answer = http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all samples of a name whose labels have these values."""
    wanted = set(labels.items())
    return sum(number for (found, given), number in samples.items() if found == name and wanted <= given)


def counters(samples: Samples) -> Samples:
    """Those samples that must never go back."""
    ends = ("_total", "_count", "_sum", "_bucket")
    return {key: number for key, number in samples.items() if key[0].endswith(ends)}
