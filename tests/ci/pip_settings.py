"""Prints how pip reaches its packages on this machine, for a root that has none of its files.

Lines `set<TAB>NAME=value` are variables that say what pip's files and variables say here; `show<TAB>/path`
are files and folders that those name. Weak: options of one pip command alone become options of all.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
ALSO_OBEYED = {
    "PIP_PROXY": ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"),
    "PIP_CERT": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
}
"""Variables of others that pip obeys too; the tests would obey them as well, so pip's own stand for them."""


def settings(listed: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Variables by name for the lines of `pip config list`, stronger ones last."""
    found = {}
    for ours, theirs in ALSO_OBEYED.items():
        for name in reversed(theirs):
            if environ.get(name):
                found[ours] = environ[name]
    for line in listed:
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section != ":env:":
            found["PIP_" + name.upper().replace("-", "_")] = " ".join(ast.literal_eval(value).split())
    found |= {name: value for name, value in environ.items() if name.startswith("PIP_")}
    found.pop("PIP_CONFIG_FILE", None)  # what it says is in the list already
    return found


def places(found: Mapping[str, str]) -> Iterator[Path]:
    """The files and folders of this machine that settings name."""
    for name, value in found.items():
        for word in value.split():
            path = Path(word.removeprefix("file://"))
            if path.is_absolute() and path.exists():
                # The pages of an index link to files beside it.
                yield path.parent if name in INDEXES else path


def main() -> None:
    """Prints it for this machine."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = settings(listed.splitlines(), os.environ)
    for name, value in found.items():
        print(f"set\t{name}={value}")
    for path in sorted(set(places(found)) - {Path("/")}):
        print(f"show\t{path}")


if __name__ == "__main__":
    main()
