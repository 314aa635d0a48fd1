"""Several URLs in one cell. Not here: whether a URL can be fetched."""

import re
from itertools import pairwise

from retailpulse.domain.texts import trimmed, without_end

_SCHEME = re.compile(r"(?:https?|s3|gs|az)://", re.IGNORECASE)
_SEPARATORS = ",;|"


def split_urls(cell: str) -> list[str]:
    """The URLs of a cell: a further one begins with its scheme, after a blank, a line break, or one of `,;|`.

    The schemes are `http`, `https`, `s3`, `gs` and `az`. A URL may hold blanks and these characters itself:
    where no scheme follows, nothing is cut. Empty for an empty cell.
    """
    cell = trimmed(cell)
    starts = [
        found.start()
        for found in _SCHEME.finditer(cell)
        if found.start() and (cell[found.start() - 1] in _SEPARATORS or cell[found.start() - 1].isspace())
    ]
    if not starts:
        return [cell] if cell else []
    edges = [0, *starts, len(cell)]
    parts = (without_end(cell[begin:end], _SEPARATORS) for begin, end in pairwise(edges))
    return [part for part in parts if part]
