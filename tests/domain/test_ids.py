"""Ids of jobs: version 7, in the order of time, and read strictly."""

import time
from uuid import RFC_4122, UUID, uuid4

import pytest

from retailpulse.domain.ids import new_job_id, parse_job_id


def test_a_new_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    before = time.time_ns() // 1_000_000
    job_id = new_job_id()
    after = time.time_ns() // 1_000_000
    assert (job_id.version, job_id.variant) == (7, RFC_4122)
    assert before <= job_id.int >> 80 <= after


def test_many_ids_of_one_moment_are_all_different() -> None:
    assert len({new_job_id() for _ in range(10_000)}) == 10_000


def test_an_id_is_read_as_it_is_written() -> None:
    job_id = new_job_id()
    assert parse_job_id(str(job_id)) == job_id
    assert parse_job_id(str(job_id).upper()) == job_id
    other = uuid4()  # opaque: any UUID may be asked for, and is then not found
    assert parse_job_id(str(other)) == other


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "None",
        "01932c5e7a0070008000000000000000",
        "{01932c5e-7a00-7000-8000-000000000000}",
        "urn:uuid:01932c5e-7a00-7000-8000-000000000000",
        " 01932c5e-7a00-7000-8000-000000000000",
        "01932c5e-7a00-7000-8000-000000000000\n",
        "01932c5e-7a00-7000-8000-00000000000",
        "01932c5e-7a00-7000-8000-00000000000g",
        "0193-2c5e-7a00-7000-8000-000000000000",
        "٠1932c5e-7a00-7000-8000-000000000000",
        "\0",
        "\ud800",
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_job_id(text) is None


def test_the_nil_uuid_is_an_id() -> None:
    assert parse_job_id(str(UUID(int=0))) == UUID(int=0)
