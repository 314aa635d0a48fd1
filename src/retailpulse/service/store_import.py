"""Loads files into the store master, a few at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TextIO

from retailpulse.domain.stores import ImportSummary
from retailpulse.storage.postgres.database import Database
from retailpulse.storage.stores import load as store_master

IMPORTS_AT_ONCE = 8
"""Store files that are read at once; further ones wait."""


class StoreImport:
    """Loads store files into one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Threads of their own: slow uploads are not to hold up whatever else needs a thread.
        self._threads = ThreadPoolExecutor(IMPORTS_AT_ONCE, thread_name_prefix="import")

    async def run(self, file: TextIO, *, good_lines: bool) -> ImportSummary:
        """Loads a store file, in a thread; raises InvalidRequest if it is no such file."""
        load = partial(store_master.import_stores, self._database.url, file, good_lines=good_lines)
        return await asyncio.get_running_loop().run_in_executor(self._threads, load)
