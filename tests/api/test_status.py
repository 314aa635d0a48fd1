"""GET /api/status: three words, one text per failed store, and an empty object for what is no job."""

import psycopg
import pytest

from retailpulse.storage.postgres.embedded import EmbeddedServer
from tests.api.jobs import CORNER_SHOP, KIOSK, MARKET_HALL, NO_JOB, NOWHERE, held, photo, visit
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def status(service: RunningService, job_id: str) -> dict[str, object]:
    answer = service.http.get("/api/status", params={"jobid": job_id})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def failed_stores(service: RunningService, job_id: str) -> list[dict[str, str]]:
    service.finished(job_id)
    return list(service.http.get("/api/status", params={"jobid": job_id}).json()["error"])


def test_a_job_is_ongoing_until_its_last_image_is_settled(service: RunningService, origin: Origin) -> None:
    quick = origin.serve("/quick.png", Reply(body=photo(8, 8)))
    with held(origin, "/slow.png", photo(8, 8)) as slow:
        job_id = service.submit([visit(CORNER_SHOP, quick, slow), visit("no such store", quick)])
        wait_for(lambda: service.job(job_id)["images"]["settled"] == 2)
        assert status(service, job_id) == {"status": "ongoing", "job_id": job_id}
    service.finished(job_id)
    assert status(service, job_id)["status"] == "failed"


@pytest.mark.parametrize("path", ["/api/status", "/api/status/"])
def test_a_job_without_failures_is_completed(service: RunningService, origin: Origin, path: str) -> None:
    url = origin.serve("/good.png", Reply(body=photo(30, 20)))
    job_id = service.submit([visit(CORNER_SHOP, url), visit(MARKET_HALL, url)])
    service.finished(job_id)
    answer = service.http.get(path, params={"jobid": job_id})
    assert (answer.status_code, answer.json()) == (200, {"status": "completed", "job_id": job_id})


def test_a_failed_store_says_how_many_images_and_one_example(service: RunningService, origin: Origin) -> None:
    good = origin.serve("/of-fourteen.png", Reply(body=photo(30, 20)))
    gone = origin.url("/gone.jpg")
    job_id = service.submit([visit(CORNER_SHOP, *[good] * 5, gone, *[good] * 7, gone)])
    service.finished(job_id)
    assert status(service, job_id) == {
        "status": "failed",
        "job_id": job_id,
        "error": [
            {
                "store_id": CORNER_SHOP,
                "error": f"failed_to_download_image: 2 of 14 images, e.g. {gone}: HTTP 404",
            }
        ],
    }


def test_each_kind_of_failure_has_its_word(service: RunningService, origin: Origin) -> None:
    broken = origin.serve("/broken.png", Reply(body=photo(64, 64)[:-40]))
    page = origin.serve("/page.html", Reply(body=b"<html>no photo</html>"))
    gone = origin.url("/gone.jpg")
    job_id = service.submit(
        [visit("nobody", gone), visit(KIOSK, page), visit(MARKET_HALL, broken), visit(CORNER_SHOP, gone)]
    )
    failures = {failure["store_id"]: failure["error"] for failure in failed_stores(service, job_id)}
    assert failures["nobody"].startswith(f"store_id_not_found: 1 of 1 image, e.g. {gone}: ")
    assert failures[KIOSK].startswith(f"failed_to_decode_image: 1 of 1 image, e.g. {page}: ")
    assert failures[MARKET_HALL].partition(":")[0] in {"failed_to_decode_image", "failed_to_download_image"}
    assert failures[CORNER_SHOP] == f"failed_to_download_image: 1 of 1 image, e.g. {gone}: HTTP 404"


def test_failed_stores_stand_once_each_in_the_order_of_their_first_visit(service: RunningService) -> None:
    stores = [KIOSK, "z-unknown", CORNER_SHOP, KIOSK, "a-unknown", MARKET_HALL, CORNER_SHOP, "z-unknown"]
    job_id = service.submit([visit(store_id) for store_id in stores])
    failures = failed_stores(service, job_id)
    assert [failure["store_id"] for failure in failures] == list(dict.fromkeys(stores))


def test_a_store_with_two_kinds_of_failure_stands_once_and_tells_both(
    service: RunningService, origin: Origin
) -> None:
    page = origin.serve("/page-too.html", Reply(body=b"<html>no photo</html>"))
    gone = origin.url("/gone.jpg")
    job_id = service.submit([visit(CORNER_SHOP, page, gone, NOWHERE)])
    (failure,) = failed_stores(service, job_id)
    decode, download = failure["error"].split("; ")
    assert decode.startswith(f"failed_to_decode_image: 1 of 3 images, e.g. {page}: ")
    assert download == f"failed_to_download_image: 2 of 3 images, e.g. {gone}: HTTP 404"


def test_a_finished_job_stays_as_it_is(service: RunningService) -> None:
    job_id = service.submit([visit()])
    service.finished(job_id)
    first = status(service, job_id)
    service.finished(service.submit([visit()]))
    assert status(service, job_id) == first


def test_a_cancelled_job_reads_as_failed(service: RunningService) -> None:
    job_id = service.submit([visit()])
    service.finished(job_id)
    with psycopg.connect(EmbeddedServer(service.data_dir).url()) as connection:
        connection.execute("UPDATE jobs SET status = 'cancelled' WHERE job_id = %s", [job_id])
    assert service.job(job_id)["status"] == "cancelled"
    assert status(service, job_id)["status"] == "failed"
    assert [failure["store_id"] for failure in failed_stores(service, job_id)] == [CORNER_SHOP]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?jobid=",
        f"?jobid={NO_JOB}",
        f"?job_id={NO_JOB}",
        "?jobid=1",
        "?jobid=None",
        f"?jobid={{{NO_JOB}}}",
        f"?jobid=urn:uuid:{NO_JOB}",
        f"?jobid={NO_JOB.replace('-', '')}",
        f"?jobid=%20{NO_JOB}",
        "?jobid=%00",
        "?jobid=%ff%fe",
        "?jobid=" + "9" * 5_000,
        "?jobid=%27;DROP%20TABLE%20jobs;--",
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_what_is_no_job_is_answered_with_an_empty_object(
    service: RunningService, query: str, slash: str
) -> None:
    answer = service.http.get(f"/api/status{slash}{query}")
    assert (answer.status_code, answer.text) == (400, "{}")
    assert answer.headers["content-type"] == "application/json"
