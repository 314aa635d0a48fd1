"""The decoders' libraries: loaded at their first use, so that only a process that decodes has them.

A decoder's are all loaded before it is confined (`formats.load_libraries`), as none can be loaded after that.
"""

from functools import cache
from importlib import import_module
from types import ModuleType

_FAILED: dict[str, str] = {}
"""Why a library could not be loaded; asked again, it would seem not to exist if no file can be opened."""


@cache
def library(name: str) -> ModuleType:
    """A library by its name; raises ImportError, the same each time."""
    if name in _FAILED:
        raise ImportError(_FAILED[name])
    try:
        return import_module(name)
    except ImportError as error:
        _FAILED[name] = str(error)
        raise
