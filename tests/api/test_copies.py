"""A URL that a job names many times, end to end: fetched once, a result for every image."""

from tests.api.jobs import CORNER_SHOP, KIOSK, MARKET_HALL, photo, visit
from tests.origin import Origin, Reply
from tests.running import RunningService


def test_three_hundred_images_of_three_urls_make_three_requests(
    service: RunningService, origin: Origin
) -> None:
    small = origin.serve("/copies/small.png", Reply(body=photo(30, 20)))
    big = origin.serve("/copies/big.png", Reply(body=photo(300, 200)))
    gone = origin.url("/copies/gone.png")
    stores = [CORNER_SHOP, MARKET_HALL, KIOSK]
    job_id = service.submit([visit(store, *[small, big, gone] * 10) for store in stores * 3 + stores[:1]])
    report = service.finished(job_id)
    asked = sorted(origin.url(seen.path) for seen in origin.requests if "/copies/" in seen.path)
    assert asked == [big, gone, small]
    assert (report["status"], report["causes"]) == ("failed", {"http_status": 100})
    assert report["images"] == {"total": 300, "settled": 300, "measured": 200, "failed": 100, "cancelled": 0}
    told = [(row["image_no"], row["image_url"], row["perimeter"]) for row in service.results(job_id)]
    facts = [(small, 100), (big, 1_000), (gone, None)]
    assert told == [(number + 1, *facts[number % 3]) for number in range(300)]
    assert {row["tries"] for row in service.results(job_id)} == {1}
