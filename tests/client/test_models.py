"""The client's answers are the service's: the same fields, so that `--json` and Python leave nothing out."""

import msgspec
import pytest

from retailpulse.api.v1 import deliveries, hosts, job_lists, results, shapes, stats, store_lists, visits
from retailpulse.client import models

PAIRS = [
    (shapes.ImageCounts, models.ImageCounts),
    (shapes.StoreOfJob, models.FailedStore),
    (shapes.JobSummary, models.JobSummary),
    (shapes.Job, models.Job),
    (shapes.HostOfJob, models.HostOfJob),
    (shapes.WaitingFor, models.WaitingFor),
    (hosts.Host, models.Host),
    (hosts.LastRefusal, models.HostRefusal),
    (job_lists.StoreInJob, models.JobStore),
    (store_lists.Store, models.Store),
    (store_lists.Area, models.Area),
    (visits.Visit, models.Visit),
    (stats.ServiceStats, models.Stats),
    (deliveries.Delivery, models.Delivery),
    (deliveries.Try, models.DeliveryTry),
    (results.ResultRow, models.Result),
    (results.EarlierResult, models.EarlierResult),
    (stats.SettledImages, models.SettledImages),
]


@pytest.mark.parametrize(("answer", "model"), PAIRS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_model_has_the_fields_of_the_answer(
    answer: type[msgspec.Struct], model: type[msgspec.Struct]
) -> None:
    told = {field.encode_name for field in msgspec.structs.fields(answer)}
    assert {field.encode_name for field in msgspec.structs.fields(model)} == told
