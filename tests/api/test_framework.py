"""What of Litestar is overridden though it is private: that it is still asked for, and has its effect."""

import subprocess
import sys
from importlib.util import find_spec

BUILDING = """
import sys
from {module} import {name}
{name}([], openapi_config=None, logging_config=None)
print(*sys.modules)
"""


def loaded_by(module: str, name: str) -> set[str]:
    """The packages that building an empty application loads, of those that Litestar has plugins for."""
    program = BUILDING.format(module=module, name=name)
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {module.partition(".")[0] for module in printed.stdout.split()} & {"pydantic", "attr"}


def test_the_application_loads_no_library_of_models_but_its_own() -> None:
    assert find_spec("pydantic") and find_spec("attr")
    assert loaded_by("litestar", "Litestar") == {"pydantic", "attr"}
    assert loaded_by("retailpulse.api.app", "App") == set()
