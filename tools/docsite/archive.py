"""A folder as one file: the same folder gives the same bytes."""

import gzip
import tarfile
from pathlib import Path


def pack(folder: Path, file: Path, changed_at: int) -> None:
    """Writes a folder as `.tar.gz`, below its own name; all times in it are `changed_at` (epoch seconds)."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = changed_at
        entry.mode = 0o755 if entry.isdir() else 0o644
        return entry

    with (
        file.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=changed_at) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in (folder, *sorted(folder.rglob("*"))):
            name = path.relative_to(folder.parent)
            archive.add(path, str(name), recursive=False, filter=plain)
