"""What a client that openapi-python-client has made is used for first; run in the folder where it was made.

Prints the status of the job, then the cause of each image that failed.
"""

import sys
import time

from generated import Client
from generated.api.jobs import get_job, list_jobs, submit_job
from generated.api.results import list_results
from generated.models import AskedOutcome, JobStatus, NewJob, Problem, VisitToSubmit

MOST_SECONDS = 60


def main(url: str) -> None:
    with Client(base_url=url, timeout=30) as client:
        photos = ["https://photos.example/a.jpg", "https://photos.example/b.jpg"]
        visit = VisitToSubmit(store_id="no such store", image_url=photos, visit_time="2026-11-20")
        submitted = submit_job.sync(client=client, body=NewJob(visits=[visit], name="the first hour"))
        assert submitted is not None
        job_id = str(submitted.job_id)
        until = time.monotonic() + MOST_SECONDS
        while (job := get_job.sync(job_id, client=client)).status == JobStatus.ONGOING:
            assert time.monotonic() < until
            time.sleep(0.1)
        print(job.status, job.images.failed)
        page = list_results.sync(job_id, client=client, outcome=[AskedOutcome.FAILED])
        print(*[row.cause for row in page.items])
        named = list_jobs.sync(client=client, name="the first hour", limit=1)
        assert [str(found.job_id) for found in named.items] == [job_id]
        missing = get_job.sync("nothing", client=client)
        assert isinstance(missing, Problem)
        print(missing.detail)


main(sys.argv[1])
