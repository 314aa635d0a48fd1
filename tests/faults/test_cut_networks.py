"""The line to the database loses every packet, breaks or refuses: others take over, then all works again."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from retailpulse.storage.postgres.migrate import migrate
from tests.api.jobs import RunningApi, body, post, put_stores, visit
from tests.conftest import STORES
from tests.faults.postgres import CLAIM, Postgres
from tests.faults.proxy import Proxy
from tests.faults.submitting import THREADS, Submitter
from tests.lifecycle.processes import QUICK, Shop
from tests.running import ALLOW_LOOPBACK, Process, wait_for

pytestmark = pytest.mark.timeout(900)  # the long forms last


class Branch:
    """A database, the processes that use it, and the line that some of them reach it by."""

    def __init__(self, shop: Shop, postgres: Postgres, line: Proxy) -> None:
        self.shop = shop
        self.postgres = postgres
        self.line = line
        self._running: list[Process] = []

    def api(self, url: str) -> RunningApi:
        """Starts an API and gives it its stores."""
        api = RunningApi(self.shop.folder / "api", url, QUICK)
        self._running.append(api)
        put_stores(api.wait_until_ready(), STORES.encode())
        return api

    def worker(self, name: str, url: str, **more: str) -> Process:
        """Starts a worker."""
        environment = {**ALLOW_LOOPBACK, **QUICK, "RETAILPULSE_DATABASE_URL": url, **more}
        worker = Process(self.shop.folder / name, "worker", environment=environment)
        self._running.append(worker)
        wait_for(worker.log)  # from then on it hears signals
        return worker

    def submit(
        self, api: RunningApi, count: int, before: threading.Event | None = None, seconds: float = 0.0
    ) -> str:
        """Submits photos that wait for an event, or take so long."""
        photos = self.shop.photos(count, before=before, seconds=seconds)
        return str(post(api, body(visit("RP00001", *photos))).json()["job_id"])

    def slots(self) -> list[int]:
        """How many slots of the photos' host each worker has that has some."""
        query = "SELECT slots FROM leases WHERE host_id > 0 AND slots > 0 ORDER BY worker_id"
        return [slots for (slots,) in self.postgres.ask(query)]

    def wait_until_ended(self, job_id: str) -> None:
        """Waits for the end of a job."""
        query = "SELECT FROM jobs WHERE job_id = %s AND status <> 'ongoing'"
        wait_for(lambda: self.postgres.ask(query, job_id))

    def in_hand(self) -> int:
        """How many images workers have in work."""
        ((count,),) = self.postgres.ask("SELECT coalesce(sum(cardinality(image_nos)), 0) FROM grants")
        return int(count)

    def close(self) -> None:
        """Ends the processes by the way they are meant to be ended."""
        for process in self._running:
            assert process.stop() == 0, process.log()


@pytest.fixture
def branch(shop: Shop) -> Iterator[Branch]:
    """A server on another machine, as far as the processes can tell."""
    postgres = Postgres(shop.folder / "elsewhere")
    postgres.start()
    migrate(postgres.url)
    with Proxy(postgres.port) as line:
        branch = Branch(shop, postgres, line)
        yield branch
        branch.close()
    postgres.stop()


def test_a_worker_cut_off_from_the_database(branch: Branch, lasting: Callable[[float, float], float]) -> None:
    """Every image ends with exactly one result, recovery is bounded: another takes over what it held."""
    api = branch.api(branch.postgres.url)
    far = branch.worker("far", branch.line.url)
    gate = branch.shop.gate()
    first = branch.submit(api, 40, gate)
    branch.shop.wait_for_requests(16)
    branch.line.cut()
    cut_at = time.monotonic()
    gate.set()
    near = branch.worker("near", branch.postgres.url)
    branch.wait_until_ended(first)
    seconds = lasting(0, 120)
    wait_for(lambda: time.monotonic() >= cut_at + seconds, seconds + 10)
    branch.line.heal()
    assert near.stop() == 0
    second = branch.submit(api, 5, gate)
    branch.wait_until_ended(second)
    assert far.process.poll() is None
    branch.postgres.check_truth(first, second)
    assert max(branch.shop.requests().values()) <= 2


def test_the_share_of_a_worker_cut_off_is_used_by_the_others_and_shared_again(branch: Branch) -> None:
    """The host is asked for no more at once than its cap: who hears nothing begins nothing after a while."""
    api = branch.api(branch.postgres.url)
    branch.worker("far", branch.line.url)
    branch.worker("near", branch.postgres.url)
    wait_for(lambda: len(branch.postgres.ask("SELECT FROM workers")) == 2)
    job_id = branch.submit(api, 10_000, seconds=0.2)  # more than are done in any time that this may take
    wait_for(lambda: branch.slots() == [8, 8])
    branch.line.cut()
    wait_for(lambda: branch.slots() == [16])
    branch.line.heal()
    wait_for(lambda: branch.slots() == [8, 8])
    assert api.http.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 200
    branch.postgres.check_truth(job_id)
    assert branch.shop.origin.most_waiting == 16


def test_who_hears_nothing_begins_nothing_that_others_may_have(branch: Branch) -> None:
    """What it has begun it may end; what waits for a slot in its hands is fetched by the others alone."""
    api = branch.api(branch.postgres.url)
    branch.worker("far", branch.line.url)
    gate, origin = branch.shop.gate(), branch.shop.origin
    quick = branch.submit(api, 200)
    branch.wait_until_ended(quick)  # a host that is known to be quick is claimed some images ahead
    job_id = branch.submit(api, 60, gate)
    branch.shop.wait_for_requests(200 + 16)
    wait_for(lambda: branch.in_hand() > 16)
    begun = set(branch.shop.requests())
    branch.line.cut()
    branch.worker("near", branch.postgres.url)
    branch.shop.wait_for_requests(200 + 16 + 16)
    gate.set()
    branch.wait_until_ended(job_id)
    wait_for(lambda: origin.busy == 0)
    branch.line.heal()
    branch.postgres.check_truth(quick, job_id)
    assert {path: count for path, count in branch.shop.requests().items() if count > 1}.keys() <= begun


def test_a_claim_whose_answer_is_lost(branch: Branch) -> None:
    """Its images are not left with a worker that does not know of them, however long that lives."""
    api = branch.api(branch.postgres.url)
    branch.line.lose_answer(to=CLAIM.encode())
    branch.worker("far", branch.line.url, RETAILPULSE_WORKER_STALE_SECONDS="600")
    job_id = branch.submit(api, 40)
    wait_for(branch.line.answer_is_lost.is_set)
    branch.wait_until_ended(job_id)
    branch.postgres.check_truth(job_id)
    assert set(branch.shop.requests().values()) == {1}


@pytest.mark.parametrize("statement", ["UPDATE jobs SET measured", "pg_try_advisory_xact_lock"])
@pytest.mark.slow
def test_a_worker_cut_off_before_its_commit(branch: Branch, statement: str) -> None:
    """Recovery is bounded: what its open transaction has locked is not locked for ever."""
    api = branch.api(branch.postgres.url)
    gate = branch.shop.gate()
    job_id = branch.submit(api, 40, gate)
    branch.worker("far", branch.line.url)
    branch.shop.wait_for_requests(16)
    branch.line.cut_before_commit(of=statement.encode())
    gate.set()
    wait_for(branch.line.is_cut)
    branch.worker("near", branch.postgres.url)
    branch.wait_until_ended(job_id)
    branch.line.heal()
    branch.postgres.check_truth(job_id)


def test_a_submit_whose_commit_is_lost(branch: Branch) -> None:
    """Refusals are honest: it is told that nobody knows, and sending it again makes one job."""
    api = branch.api(branch.line.url)
    job = body(visit("RP00001", *branch.shop.photos(1)))
    key = {"Idempotency-Key": "the same"}
    branch.line.cut_before_commit(of=b"INSERT INTO jobs")
    with ThreadPoolExecutor() as pool:
        posting = pool.submit(api.http.post, "/api/submit", json=job, headers=key)
        wait_for(branch.line.is_cut)
        branch.line.reset()
        lost = posting.result()
    assert lost.status_code == 503
    assert "is not known" in lost.json()["error"]
    assert int(lost.headers["retry-after"]) > 0
    branch.line.heal()
    branch.worker("near", branch.postgres.url)
    wait_for(lambda: api.http.post("/api/submit", json=job, headers=key).status_code == 201)
    ((job_id,),) = branch.postgres.ask("SELECT job_id FROM jobs")
    branch.wait_until_ended(str(job_id))
    branch.postgres.check_truth(str(job_id))


@pytest.mark.slow
def test_an_api_whose_line_to_the_database_fails_in_every_way(branch: Branch) -> None:
    """Refusals are honest: in time, nothing of them is kept, and the API finds its way back by itself."""
    api = branch.api(branch.line.url)
    branch.worker("near", branch.postgres.url)
    submitter = Submitter(api.url, branch.shop.photos)
    with submitter.at_work():
        submitter.wait_until_accepted(5)
        branch.line.cut()
        submitter.wait_until_refused(2 * THREADS)
        branch.line.heal()
        submitter.wait_until_accepted(5)
        branch.line.delay_seconds = 0.005
        submitter.wait_until_accepted(2)
        branch.line.reset()
        submitter.wait_until_accepted(5)
        branch.line.refuse()
        branch.line.reset()
        submitter.wait_until_refused(2 * THREADS)
        branch.line.accept_again()
        submitter.wait_until_accepted(5)
    for job_id in submitter.accepted():
        branch.wait_until_ended(job_id)
    submitter.check_refusals()
    assert submitter.lost(branch.postgres.url) == set()
    # A line that breaks between a commit and its confirmation leaves a job that nobody was told of.
    with_unknown_commit = submitter.with_unknown_commit(branch.postgres.url)
    assert len(with_unknown_commit) <= 3 * THREADS
    branch.postgres.check_truth(*submitter.accepted(), *with_unknown_commit)
