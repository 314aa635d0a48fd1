"""The decoders' libraries: loaded before there is a sandbox, as nothing can be loaded within one.

Each is imported at its first use, so that only a process that decodes carries them.
"""

from contextlib import suppress
from importlib import import_module
from types import ModuleType

from retailpulse.measure.pillow import load_plugins

_FAILED: dict[str, str] = {}
"""Why a library could not be loaded; asked again, it would seem not to exist if no file can be opened."""


def library(name: str) -> ModuleType:
    """A library by its name; raises ImportError, the same each time."""
    if name in _FAILED:
        raise ImportError(_FAILED[name])
    try:
        return import_module(name)
    except ImportError as error:
        _FAILED[name] = str(error)
        raise


def load_all() -> None:
    """Load what decoders use; a missing library is reported at the first picture that needs it."""
    for load in (load_plugins, lambda: library("simplejpeg"), lambda: library("pillow_heif")):
        with suppress(ImportError):
            load()
