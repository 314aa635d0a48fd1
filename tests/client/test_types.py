"""The types of both clients, as the checker of types sees them: `make check` is what runs this."""

import inspect
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, assert_type

from retailpulse.client import AsyncClient, Client, Job, JobSummary, Result


def of_client(client: Client) -> None:
    assert_type(client.submit([]), str)
    assert_type(client.job("x"), Job)
    assert_type(client.wait("x", timeout_seconds=1.5), Job)
    assert_type(client.jobs(status="failed"), Iterator[JobSummary])
    assert_type(client.results("x", outcome=["failed"]), Iterator[Result])
    assert_type(client.export("x", "x.csv"), int)
    client.job(5)  # type: ignore[arg-type]
    client.job("x", deep=True)  # type: ignore[call-arg]


async def of_async_client(client: AsyncClient) -> None:
    waiting: Coroutine[Any, Any, Job] = client.job("x")
    assert_type(await waiting, Job)
    assert_type(await client.submit([], name="x"), str)
    assert_type(client.jobs(), AsyncIterator[JobSummary])
    await client.wait(5)  # type: ignore[arg-type]


def test_help_shows_each_method_with_its_text_and_parameters() -> None:
    assert str(inspect.signature(Client().job)) == "(job_id: str) -> retailpulse.schema.jobs.Job"
    assert (inspect.getdoc(AsyncClient().wait) or "").startswith("Wait until a job has ended")


def test_both_clients_can_do_the_same() -> None:
    lifecycle = {"close"}
    sync_names = {name for name in dir(Client) if not name.startswith("_")}
    assert sync_names == {name for name in dir(AsyncClient) if not name.startswith("_")}
    assert lifecycle < sync_names
