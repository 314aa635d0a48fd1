"""Builds the site into a folder and says where it begins. Usage: python -m tools.docsite FOLDER [--serve]"""

import argparse
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.docsite.archive import pack
from tools.docsite.staging import Site, Unpublishable

CHECKOUT = Path(__file__).parents[2]
STRICT = ["--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env", "--quiet"]


def build(folder: Path, checkout: Path) -> int:
    """Builds the site of a checkout in place of what is in a folder; 1 for warnings; raises Unpublishable."""
    with TemporaryDirectory() as work:
        staged, built = Path(work) / "staged", Path(work) / "built"
        staged.mkdir()
        Site(checkout=checkout, folder=staged).stage()
        settings = ["--conf-dir", str(Path(__file__).parent), "-d", str(Path(work) / "doctrees")]
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "--builder",
            "html",
            *STRICT,
            *settings,
            str(staged),
            str(built),
        ]
        code = subprocess.run(command, check=False).returncode
        if code == 0:
            (built / ".buildinfo").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(built, folder)
    return 1 if code else 0


def serve(folder: Path) -> None:
    """Serves a built site on loopback until Ctrl-C."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/ until Ctrl-C", flush=True)
        server.serve_forever()


def main() -> int:
    """Builds, and serves if asked."""
    parser = argparse.ArgumentParser(prog="tools.docsite", description="Build the documents as a site.")
    parser.add_argument("folder", type=Path, help="where it goes, in place of what is there")
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="whose documents (default: these)")
    parser.add_argument(
        "--pack", type=int, metavar="TIME", help="write it as FOLDER.tar.gz too, all of that time"
    )
    parser.add_argument("--serve", action="store_true", help="serve it on loopback until Ctrl-C")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    try:
        code = build(folder, asked.checkout)
    except Unpublishable as error:
        print(f"No site: {error}", file=sys.stderr)
        return 1
    if code == 0:
        print((folder / "index.html").as_uri(), flush=True)
        if asked.pack is not None:
            pack(folder, folder.with_name(f"{folder.name}.tar.gz"), asked.pack)
        if asked.serve:
            serve(folder)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
