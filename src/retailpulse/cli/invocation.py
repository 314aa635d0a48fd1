"""How to call this program again from the folder that we are in, whether an environment is activated or not.

Weak: changing the folder before pasting makes a relative path wrong.
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
