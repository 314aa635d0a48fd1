"""Zeros between the data of a JPEG and its end marker, which some cameras write and libjpeg reports.

They are padding only if the picture is whole without them. Weak: of padding that is not zeros it cannot be
told whether it is data that was lost, so that stays a finding.
"""

import re

_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_READ_AHEAD = 8
"""Bytes of padding that libjpeg may have taken into its buffer, and so did not count."""


def without_padding(finding: str, body: bytes, scan: int) -> tuple[bytes, ...]:
    """The body without the zeros that a decoder found before the end marker; nothing if they are none.

    Once without all zeros, once with those that the data may end with. Zeros that the decoder took for data
    are no padding: the picture would end inside them.
    """
    found = _EXTRANEOUS.search(finding)
    if found is None:
        return ()
    count = int(found[1])
    if not 0 < count <= len(body):
        return ()
    end = body.find(bytes(count) + b"\xff\xd9", scan)
    if end < 0:
        return ()
    data_end = scan + len(body[scan:end].rstrip(b"\0"))
    if end - data_end > _READ_AHEAD:
        return ()
    if body[data_end - 1] == 0xFF:  # an escaped byte ends with a zero
        data_end += 1
    rest = body[end + count :]
    return body[:data_end] + rest, body[:end] + rest
