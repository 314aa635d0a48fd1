from pathlib import Path

import pytest

from retailpulse.domain.errors import ConfigError, ImageError
from retailpulse.domain.images import Cause
from tests.fetch.conftest import MakeDownloader
from tests.fetch.failing import failure_of
from tests.fetch.http.certificates import Signed, authority, leaf, server_context
from tests.origin import Origin, Reply

WHERE = "http://issuer.test/intermediate.crt"
MISSING = "an intermediate certificate of the host is missing"
NOT_TRUSTED = "the certificate of the host is signed by an authority that is not trusted"
EITHER = "the certificate of the host is from an unknown authority, or an intermediate certificate is missing"


@pytest.fixture(scope="module")
def root() -> Signed:
    return authority("root")


@pytest.fixture(scope="module")
def intermediate(root: Signed) -> Signed:
    return authority("intermediate", root)


@pytest.fixture
def ca_file(root: Signed, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    file.write_bytes(root.pem)
    return str(file)


async def detail_of(
    make_downloader: MakeDownloader, ca_file: str, folder: Path, *sent: Signed, tries: int = 2
) -> str:
    """How a photo fails at a host that sends these certificates."""
    with Origin(tls=server_context(folder, *sent)) as origin:
        url = origin.serve("/a", Reply(body=b"photo"))
        error = await failure_of(make_downloader(ca_file=ca_file, tries=tries).fetch(url))
        assert origin.requests == []
    assert (error.cause, error.tries) == (Cause.TLS, tries)
    return error.detail


async def test_a_whole_chain_is_trusted(
    make_downloader: MakeDownloader, ca_file: str, tmp_path: Path, intermediate: Signed
) -> None:
    with Origin(tls=server_context(tmp_path, leaf(intermediate, url=WHERE), intermediate)) as origin:
        url = origin.serve("/a", Reply(body=b"photo", close=True))
        assert (await make_downloader(ca_file=ca_file).fetch(url)).tries == 1


async def test_a_missing_intermediate_is_told_by_the_last_of_several_tries(
    make_downloader: MakeDownloader, ca_file: str, tmp_path: Path, intermediate: Signed
) -> None:
    own = leaf(intermediate, url=WHERE)
    assert await detail_of(make_downloader, ca_file, tmp_path, own) == MISSING
    assert await detail_of(make_downloader, ca_file, tmp_path, own, tries=1) == EITHER
    assert await detail_of(make_downloader, ca_file, tmp_path, own, authority("stray")) == MISSING


async def test_an_authority_that_nobody_knows_is_no_missing_intermediate(
    make_downloader: MakeDownloader, ca_file: str, tmp_path: Path
) -> None:
    unknown = authority("unknown")
    between = authority("between", unknown)
    with_chain = (leaf(between, url=WHERE), between)
    assert await detail_of(make_downloader, ca_file, tmp_path, leaf(unknown)) == NOT_TRUSTED
    assert await detail_of(make_downloader, ca_file, tmp_path, *with_chain) == NOT_TRUSTED
    assert await detail_of(make_downloader, ca_file, tmp_path, *with_chain, unknown) == NOT_TRUSTED


async def fetched_with(
    make_downloader: MakeDownloader, folder: Path, sent: Signed, roots: list[Signed], kept: list[Signed]
) -> bytes:
    """What is fetched from a host that sends one certificate, with these roots and intermediates at hand."""
    ca_file, intermediates_file = folder / "roots.pem", folder / "intermediates.pem"
    ca_file.write_bytes(b"".join(one.pem for one in roots))
    intermediates_file.write_bytes(b"".join(one.pem for one in kept))
    with Origin(tls=server_context(folder, sent)) as origin:
        url = origin.serve("/a", Reply(body=b"photo", close=True))
        files = {"ca_file": str(ca_file), "intermediates_file": str(intermediates_file)}
        return (await make_downloader(tries=1, **files).fetch(url)).body


async def test_an_intermediate_of_the_file_completes_a_chain(
    make_downloader: MakeDownloader, tmp_path: Path, root: Signed, intermediate: Signed
) -> None:
    own = leaf(intermediate)
    assert await fetched_with(make_downloader, tmp_path, own, [root], [intermediate]) == b"photo"


async def test_an_intermediate_of_the_file_is_not_trusted_by_itself(
    make_downloader: MakeDownloader, tmp_path: Path, intermediate: Signed
) -> None:
    with pytest.raises(ImageError) as caught:
        await fetched_with(
            make_downloader, tmp_path, leaf(intermediate), [authority("other")], [intermediate]
        )
    assert (caught.value.cause, caught.value.detail) == (Cause.TLS, NOT_TRUSTED)


@pytest.mark.parametrize("kind", ["root", "leaf", "no certificate", "no file"])
async def test_a_file_of_anything_but_intermediates_is_refused(
    make_downloader: MakeDownloader, tmp_path: Path, root: Signed, intermediate: Signed, kind: str
) -> None:
    file = tmp_path / "intermediates.pem"
    if kind != "no file":
        stray = {"root": root.pem, "leaf": leaf(intermediate).pem}.get(kind)
        file.write_bytes(b"" if stray is None else intermediate.pem + stray)
    with pytest.raises(ConfigError, match="RETAILPULSE_FETCH_INTERMEDIATES_FILE"):
        make_downloader(intermediates_file=str(file))
