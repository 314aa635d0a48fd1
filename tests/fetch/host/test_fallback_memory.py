import pytest

from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.fallbacks import CLASSICAL_KEYS, HTTP_1_1
from retailpulse.fetch.host.fallback_memory import BELIEVED_SECONDS, FallbackMemory, usual_failure


def failure(cause: Cause, remedies: int = 0) -> TryFailed:
    failed = TryFailed(cause, "as usual", again=True)
    failed.remedies = remedies
    return failed


def test_what_worked_is_believed_for_an_hour() -> None:
    memory = FallbackMemory()
    assert memory.ways(0.0) == 0
    memory.worked(HTTP_1_1, 0.0)
    assert memory.ways(BELIEVED_SECONDS - 1) == HTTP_1_1
    assert memory.ways(BELIEVED_SECONDS) == 0


def test_what_could_help_is_tried_if_the_host_only_fails() -> None:
    memory = FallbackMemory()
    memory.failed(failure(Cause.CONNECT, HTTP_1_1), 0, 0.0, only_fails=False)
    assert memory.ways(0.0) == 0
    memory.failed(failure(Cause.CONNECT, HTTP_1_1), 0, 0.0, only_fails=True)
    assert memory.ways(0.0) == HTTP_1_1


@pytest.mark.parametrize(
    ("failed", "left"),
    [
        (failure(Cause.TLS, CLASSICAL_KEYS), 0),
        (failure(Cause.CONNECT, HTTP_1_1), CLASSICAL_KEYS),
        (failure(Cause.BAD_RESPONSE), CLASSICAL_KEYS),
        (failure(Cause.TRUNCATED, HTTP_1_1), HTTP_1_1 | CLASSICAL_KEYS),  # it was spoken
    ],
)
def test_what_did_not_help_is_forgotten_and_nothing_else(failed: TryFailed, left: int) -> None:
    memory = FallbackMemory()
    memory.worked(HTTP_1_1 | CLASSICAL_KEYS, 0.0)
    memory.failed(failed, HTTP_1_1 | CLASSICAL_KEYS, 1.0, only_fails=True)
    assert memory.ways(1.0) == left


def test_what_was_over_does_not_come_back_with_another_way() -> None:
    memory = FallbackMemory()
    memory.worked(HTTP_1_1, 0.0)
    memory.failed(failure(Cause.TLS, CLASSICAL_KEYS), 0, BELIEVED_SECONDS, only_fails=True)
    assert memory.ways(BELIEVED_SECONDS) == CLASSICAL_KEYS


def test_what_is_no_http_to_http_1_is_told_as_what_http_2_broke_with() -> None:
    no_http, before = failure(Cause.BAD_RESPONSE), failure(Cause.STALLED)
    assert usual_failure(no_http, 0, before) is no_http
    assert usual_failure(no_http, CLASSICAL_KEYS, before) is no_http
    assert usual_failure(no_http, HTTP_1_1, before).cause is Cause.STALLED
    assert usual_failure(no_http, HTTP_1_1, None).again
