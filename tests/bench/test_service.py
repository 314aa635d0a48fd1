"""The services that the bench runs: one without workers, which takes jobs and leaves them alone."""

from bench.service import running_service, write_submit
from bench.timed_client import timed_client

from retailpulse.domain.images import Depth


def test_a_service_without_workers_takes_a_job_and_leaves_it_and_postgres_is_none_of_our_memory() -> None:
    with running_service(0, {}) as service:
        with timed_client(service.port) as client:
            assert client.submit(write_submit(["http://photos.example/1.jpg"], Depth.HEADER)) > 0
        kinds = service.kinds()
        with service.database() as connection:
            waiting = connection.execute("SELECT sum(images - measured - failed) FROM jobs").fetchone()
    assert waiting == (1,)
    assert (len(kinds["api"]), len(kinds["worker"])) == (1, 0)
    assert len(kinds["postgres"]) > 1
    assert not {*kinds["postgres"]} & {pid for kind in ("api", "supervisor") for pid in kinds[kind]}
