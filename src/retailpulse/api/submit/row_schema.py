"""What bodies that are no JSON look like, as the API's description tells it: CSV and NDJSON, as patterns.

A pattern tells the plain form of a body: its columns in the order of the documents, and no others. What else
is read, such as other columns and other orders, stands in the body's description.
"""

from typing import Annotated

from msgspec import Meta

_FIRST = '[^\\s",\\u0000-\\u001f\\u0085]'
"""Spaces around a value are dropped, so that a value which is there begins with something else."""
_CELL = f'({_FIRST}[^",\\r\\n\\u0000]*|"{_FIRST}([^"\\u0000]|"")*")'
_ANY_CELL = f"({_CELL})?"
_ID = f'{_FIRST}([^",\\r\\n\\u0000]*{_FIRST})?'
_END = "\\r?\\n"
_BEGIN = "^\\ufeff?"
_NOT_TWICE = f"(?!([^\\n]*\\n)+([^\\n]*,)?([^,\\r\\n]+){_END}([^\\n]*\\n)*([^\\n]*,)?\\3\\r?(\\n|$))"
"""No line ends with the id that an earlier one ends with; the header ends with none."""
_TEXT = '"[^"\\\\\\u0000-\\u001f]+"'

NDJSON_EXAMPLE = (
    '{"store_id": "RP00001", "image_url": "https://photos.example/a.jpg", "visit_time": "2026-11-20"}\n'
)

VisitRows = Annotated[
    str, Meta(pattern=f"{_BEGIN}store_id,image_url,visit_time({_END}{_CELL},{_CELL},{_CELL})+({_END})*$")
]
"""A job as CSV."""
VisitLines = Annotated[
    str,
    Meta(
        pattern=f'^(\\{{"store_id": ?{_TEXT}, ?"image_url": ?({_TEXT}|\\[{_TEXT}(, ?{_TEXT})*\\]), ?'
        f'"visit_time": ?{_TEXT}\\}}({_END}|$))+$',
        # No example of the media type, which common tools would have to send and cannot; forms show this.
        extra_json_schema={"default": NDJSON_EXAMPLE},
    ),
]
"""A job as NDJSON."""
StoreRows = Annotated[
    str,
    Meta(
        pattern=f"{_BEGIN}{_NOT_TWICE}AreaCode,StoreName,StoreID({_END}{_CELL},{_ANY_CELL},{_ID})*({_END})*$"
    ),
]
"""The store master as CSV."""
