"""Puts what the service says of its parameters into the words of the command line."""

import re
import shlex

_PARAMETERS = ("columns", "date_order", "on_bad_row", "sheet")
"""Parameters of the API that are options of the same name here."""
_PARAMETER = re.compile(rf"(?<![\w-])({'|'.join(_PARAMETERS)})=")
_COLUMN_AT_END = re.compile(r"(?<=--columns )\w+:[^,]+\Z")


def in_options(text: str) -> str:
    """A text of the service with `--columns store_id:A` for `columns=store_id:A`, quoted for a shell."""
    text = _PARAMETER.sub(lambda found: f"--{found[1].replace('_', '-')} ", text)
    return _COLUMN_AT_END.sub(lambda found: shlex.quote(found[0]), text)
