import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from retailpulse.domain.images import Cause
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.origin import Origin, Reply

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs openssl, to make certificates: apt-get install openssl"
)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS with a self-signed certificate for one name, and the certificate."""
    key, pem = folder / f"{name}.key", folder / f"{name}.pem"
    kind = "IP" if name[0].isdigit() else "DNS"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}"]
    subprocess.run([*command, "-keyout", key, "-out", pem, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context, pem


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Origin, Path]]:
    context, pem = certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")
    with Origin(tls=context) as origin:
        yield origin, pem


@needs_openssl
async def test_a_host_with_a_certificate_of_the_ca_file_is_fetched(
    trusted: tuple[Origin, Path], make_downloader: MakeDownloader
) -> None:
    origin, pem = trusted
    url = origin.serve("/a", Reply(body=b"photo"))
    assert (await make_downloader(ca_file=str(pem)).fetch(url)).body == b"photo"


@needs_openssl
async def test_a_host_with_a_certificate_that_nobody_vouches_for_is_a_tls_failure(
    trusted: tuple[Origin, Path], make_downloader: MakeDownloader
) -> None:
    origin, _ = trusted
    asked_before = len(origin.requests)
    error = await failure_of(make_downloader(tries=2).fetch(origin.url("/a")))
    assert (error.cause, error.tries) == (Cause.TLS, 2)
    assert error.detail == "the certificate of the host is signed by itself alone"
    assert len(origin.requests) == asked_before


@needs_openssl
async def test_a_certificate_for_another_name_is_a_tls_failure(
    make_downloader: MakeDownloader, tmp_path: Path
) -> None:
    context, pem = certificate(tmp_path, "other.example")
    with Origin(tls=context) as origin:
        error = await failure_of(make_downloader(ca_file=str(pem), tries=1).fetch(origin.url("/a")))
        assert (error.cause, origin.requests) == (Cause.TLS, [])
        assert error.detail == "the certificate of the host is for another name"


async def test_a_host_that_does_not_speak_tls_is_a_tls_failure(make_downloader: MakeDownloader) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        downloader = make_downloader(connect_timeout_seconds=0.2, tls_timeout_seconds=0.2, tries=1)
        error = await failure_of(downloader.fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/"))
    assert (error.cause, error.detail) == (Cause.TLS, "the TLS handshake did not end in time")
