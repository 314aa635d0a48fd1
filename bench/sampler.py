"""Looks at something again and again, in a thread, while a block runs; what is looked at is not here."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Sampler(ABC):
    """Looks as its context begins, then every `look_seconds` until it ends."""

    def __init__(self, look_seconds: float) -> None:
        self._look_seconds = look_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def sample(self) -> None:
        """Looks once."""

    def _look_on(self) -> None:
        while True:
            self.sample()
            if self._over.wait(self._look_seconds):
                return
