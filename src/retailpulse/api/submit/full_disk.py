"""A disk that takes no submit is a service that is busy."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from retailpulse.domain.errors import Busy

logger = logging.getLogger(__name__)

_DISK_TAKES_NOTHING = {errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EACCES, errno.EROFS, errno.EFBIG}


@contextmanager
def full_disk_as_busy() -> Iterator[None]:
    """Turns a disk that takes nothing into an answer that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_TAKES_NOTHING:
            raise
        logger.error("submits cannot wait on disk (RETAILPULSE_API_SPOOL_DIR): %s", error)
        raise Busy("this machine's disk has no room for the submit now; send it again later") from error
