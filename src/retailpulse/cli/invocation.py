"""How to call this program again: from the folder that we are in, or in another terminal.

Weak: what is for this folder is wrong once the folder was changed.
"""

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "retailpulse"


def invocation() -> str:
    """Words for a shell that run this program: its name if PATH leads to it, else its path."""
    program = Path(sys.executable).parent / _NAME
    if not program.exists():
        return f"{shlex.quote(sys.executable)} -m {_NAME}"
    found = shutil.which(_NAME)
    if found is not None and program.samefile(found):
        return _NAME
    here = Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


def invocation_elsewhere() -> str:
    """Words that run this program in another terminal, where no environment is activated, in any folder."""
    program = Path(sys.executable).parent / _NAME
    if not program.exists():
        return invocation()
    found = shutil.which(_NAME)
    is_linked = found is not None and Path(found).parent != program.parent and program.samefile(found)
    return _NAME if is_linked else shlex.quote(str(program))
