"""The words of failed tries: none of them names a library, a function or a constant."""

import pycurl
import pytest

from retailpulse.fetch.failures import TransferProgress, of_code, of_status
from tests.plain_words import names_in

MESSAGES = (
    "",
    "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to 10.0.0.1:443",
    "Resolving timed out after 1000 milliseconds",
    "Connection timed out after 1000 milliseconds",
    "Operation too slow. Less than 1 bytes/sec transferred the last 5 seconds",
    "Illegal or missing hexadecimal sequence in chunked-encoding",
    "Send failure: Broken pipe (EPIPE)",
)
CODES = sorted({code for name, code in vars(pycurl).items() if name.startswith("E_")} | {*range(110)})


@pytest.mark.parametrize("message", MESSAGES)
def test_no_failure_of_a_transfer_is_told_in_the_words_of_a_library(message: str) -> None:
    for code in CODES:
        for answered, connected, verification in ((False, False, 0), (True, True, 0), (False, True, 10)):
            progress = TransferProgress(
                answered=answered, connected=connected, body_bytes=5, verification=verification
            )
            failed = of_code(code, message, progress)
            assert names_in(failed.detail) == [], failed.detail


def test_no_status_is_told_in_the_words_of_a_library() -> None:
    assert [names_in(of_status(status, 0).detail) for status in range(100, 600)] == [[]] * 500
