"""The pages about the system: workers and what each does, callbacks, settings, checks, health."""

import re
import socket
from html import unescape

from tests.api.jobs import NO_JOB, held, photo, visit
from tests.dashboard.test_pages import page
from tests.origin import Origin, Reply
from tests.running import RunningService, wait_for


def row_of(text: str, words: str) -> str:
    """The row of a table that has these words."""
    rows = [row for row in re.findall(r"<tr[ >].*?</tr>", text, re.DOTALL) if words in row]
    assert len(rows) == 1, (words, text)
    return str(rows[0])


def submitted(service: RunningService, *urls: str, **fields: str) -> str:
    sent = {"visits": [visit("RP00001", *urls)], **fields}
    answer = service.http.post("/api/v1/jobs", json=sent)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job_id"])


def test_a_worker_says_where_it_runs_and_what_it_has_in_hand(service: RunningService, origin: Origin) -> None:
    (pid,) = service.pids()["worker"]
    with held(origin, "/system/slow.png", photo(9, 9)) as url:
        job_id = submitted(service, url)

        def shown() -> str | None:
            row = row_of(page(service, "/system/workers"), f"process {pid}<")
            return row if f'href="/jobs/{job_id}"' in row else None

        row = wait_for(shown)
        assert socket.gethostname() in row
        assert "Works" in row
        assert "images at their hosts: 1," in row
        assert re.search(r"\d+\.\d MB", row)
    service.finished(job_id)
    wait_for(lambda: "Idle" in row_of(page(service, "/system/workers"), f"process {pid}<"))


def test_health_names_every_part(service: RunningService) -> None:
    text = page(service, "/system")
    for path in ("/system/workers", "/system/hosts", "/system/callbacks", "/system/check", "/system/keys"):
        assert f'href="{path}"' in text
    assert "1 alive" in text


def test_a_callback_that_was_given_up_says_why_and_is_sent_again(
    service: RunningService, origin: Origin
) -> None:
    hook = origin.serve("/system/hook", Reply(status=410))
    job_id = submitted(service, callback_url=hook, name="told in vain")
    path = "/system/callbacks?state=given_up"
    wait_for(lambda: "told in vain" in page(service, path))
    row = row_of(page(service, path), "told in vain")
    assert hook in row
    assert "HTTP 410" in row
    assert "1 callback of the last day given up" in page(service, "/system")
    origin.serve("/system/hook", Reply(status=204))
    answer = service.http.post(f"/system/callbacks/{job_id}/send-again", data={"state": "given_up"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}&done=callback")
    assert "sent again" in page(service, answer.headers["location"])
    wait_for(lambda: "told in vain" in page(service, "/system/callbacks?state=delivered"))
    assert "told in vain" not in page(service, path)


def test_callbacks_that_cannot_be_sent_again_say_so(service: RunningService) -> None:
    job_id = submitted(service, "none")
    service.finished(job_id)
    for known, status in ((job_id, 409), (NO_JOB, 404), ("nonsense", 404)):
        answer = service.http.post(f"/system/callbacks/{known}/send-again", data={"state": "//evil"})
        assert answer.status_code == status
    assert "callbacks" in page(service, "/system/callbacks?state=nonsense&after=nonsense").lower()


def test_settings_have_the_value_source_and_meaning_that_the_command_prints(service: RunningService) -> None:
    text = unescape(page(service, "/system/settings"))
    for variable, value, source in (
        ("RETAILPULSE_API_PORT", str(service.port), "command line"),
        ("RETAILPULSE_WORKER_PROCESSES", "1", "command line"),
        ("RETAILPULSE_FETCH_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128", "environment"),
        ("RETAILPULSE_FETCH_PER_HOST", "16", "default"),
        ("RETAILPULSE_FETCH_CREDENTIALS_KEY", "***", "serve"),
    ):
        row = row_of(text, f">{variable}<")
        assert f"<b>{value}</b>" in row, row
        assert f">{source}<" in row, row
    assert "Port to listen on." in text
    changed = page(service, "/system/settings?only=changed")
    assert "RETAILPULSE_API_PORT" in changed
    assert "RETAILPULSE_FETCH_PER_HOST" not in changed
    key = (service.data_dir / "credentials.key").read_text().strip()
    assert key not in text


def test_a_check_is_begun_by_a_button_and_its_result_stays(service: RunningService) -> None:
    answer = service.http.post("/system/check")
    assert (answer.status_code, answer.headers["location"]) == (303, "/system/check")
    text = page(service, "/system/check")
    assert 'http-equiv="refresh"' in text or "Everything agrees" in text  # it may be over by now
    wait_for(lambda: re.search(r"<h1>Everything agrees</h1>", page(service, "/system/check")))
    text = page(service, "/system/check")
    assert re.search(r"\d+ jobs, \d+ images, \d+ results", text)
    assert "<progress" not in text
    assert "everything agrees" in page(service, "/system")
