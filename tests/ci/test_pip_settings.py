"""What pip's files say on a machine becomes variables, and the files that it names are told."""

from pathlib import Path

from tests.ci.pip_settings import places, settings


def test_settings_of_files_become_variables_and_variables_win() -> None:
    listed = [
        "global.extra-index-url='file:///a/one\\nfile:///b/two'",
        "install.no-binary='x'",
        ":env:.timeout='7'",
        "global.timeout='5'",
    ]
    found = settings(listed, {"PIP_TIMEOUT": "7", "PIP_CONFIG_FILE": "/pip.conf", "OTHER": "1"})
    assert found == {
        "PIP_EXTRA_INDEX_URL": "file:///a/one file:///b/two",
        "PIP_NO_BINARY": "x",
        "PIP_TIMEOUT": "7",
    }


def test_the_way_to_the_network_is_told_to_pip_alone() -> None:
    environ = {"https_proxy": "http://proxy:1", "SSL_CERT_FILE": "/a.pem", "REQUESTS_CA_BUNDLE": "/b.pem"}
    assert settings([], environ) == {"PIP_PROXY": "http://proxy:1", "PIP_CERT": "/b.pem"}


def test_files_and_folders_are_found_and_an_index_with_what_lies_beside_it(tmp_path: Path) -> None:
    packages, cert = tmp_path / "index" / "packages", tmp_path / "ca.pem"
    packages.mkdir(parents=True)
    cert.touch()
    found = {
        "PIP_EXTRA_INDEX_URL": f"file://{packages} https://a/other",
        "PIP_CERT": str(cert),
        "PIP_CONSTRAINT": "/nowhere/constraints.txt",
    }
    assert list(places(found)) == [packages.parent, cert]
