"""The API and worker processes of this machine, by what Linux says of them in /proc."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("api", "worker")


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalProcess:
    """A process of the service; `name` is `api`, or `worker-1` and so on among those of one parent."""

    name: str
    pid: int
    parent: int


def local_processes(proc: Path = Path("/proc")) -> list[LocalProcess]:
    """All that this user can see, those of one parent together, in the order in which they were started."""
    found: defaultdict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for entry in proc.iterdir():
        if entry.name.isdigit() and (seen := _look(entry)) is not None:
            kind, parent, started = seen
            found[parent, kind].append((started, int(entry.name)))
    return [
        LocalProcess(name=name, pid=pid, parent=parent)
        for (parent, kind), members in sorted(found.items())
        for name, pid in _named(kind, [pid for _, pid in sorted(members)])
    ]


def _named(kind: str, pids: list[int]) -> Iterator[tuple[str, int]]:
    if kind == "api" and len(pids) == 1:
        yield kind, pids[0]
        return
    for number, pid in enumerate(pids, 1):
        yield f"{kind}-{number}", pid


def _look(entry: Path) -> tuple[str, int, int] | None:
    """What kind of process it is, its parent, and when it was started; None if it is not one of ours."""
    try:
        words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    kind = _kind(words)
    return None if kind is None else (kind, int(fields[1]), int(fields[19]))


def _kind(words: list[str]) -> str | None:
    """`python -m retailpulse worker ...` is one, and `python /usr/bin/retailpulse worker ...`."""
    for before, word, after in zip(["", *words], words, words[1:], strict=False):
        is_ours = (before == "-m" and word == "retailpulse") or Path(word).name == "retailpulse"
        if is_ours:
            return after if after in KINDS else None
    return None
