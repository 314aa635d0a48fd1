"""Ways to damage a file, each drawn from dice: the same dice give the same damage.

They know no format: a length field is whatever number looks like one. Damage of what is empty is nothing.
"""

import random
import struct
from collections.abc import Callable

from .pictures import FLAVOURS

Damage = Callable[[bytes, random.Random], bytes]
_FIELDS = (">H", "<H", ">I", "<I", ">Q", "<Q")


def cut(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(len(body))]


def flip(body: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(dice.choice((1, 3, 10))):
        damaged[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def flip_in_the_header(body: bytes, dice: random.Random) -> bytes:
    return flip(body[:400], dice) + body[400:]


def zero(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    length = min(dice.randrange(1, 300), len(body) - start)
    return body[:start] + bytes(length) + body[start + length :]


def saturate(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(min(len(body), 600))
    return body[:start] + b"\xff" * dice.choice((1, 2, 4, 8)) + body[start + 8 :]


def splice(body: bytes, dice: random.Random) -> bytes:
    other = dice.choice(list(FLAVOURS.values())).body
    return body[: dice.randrange(len(body))] + other[dice.randrange(len(other)) :]


def drop(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    return body[:start] + body[start + dice.randrange(1, 100) :]


def insert(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    return body[:start] + dice.randbytes(dice.choice((1, 2, 3, 4, 8, 50))) + body[start:]


def duplicate(body: bytes, dice: random.Random) -> bytes:
    """A part of the file stands there twice, or many times."""
    start = dice.randrange(len(body))
    end = start + dice.randrange(1, 200)
    return body[:end] + body[start:end] * dice.choice((1, 1, 2, 50)) + body[end:]


def lie(body: bytes, dice: random.Random) -> bytes:
    """A number that may be a length, a size or an offset says something else, most often near the start."""
    field = struct.Struct(dice.choice(_FIELDS))
    places = range(max(1, min(len(body), dice.choice((40, 200, 1000))) - field.size + 1))
    plausible = [at for at in places if 0 < _number(field, body, at) <= len(body)]
    at = dice.choice(plausible or places)
    most = 256**field.size - 1
    told = _number(field, body, at)
    lies = (0, 1, told - 1, told + 1, told * 2, len(body), len(body) - at, most // 2, most - 7, most)
    return body[:at] + field.pack(dice.choice(lies) & most) + body[at + field.size :]


def _number(field: struct.Struct, body: bytes, at: int) -> int:
    number: int = field.unpack(body[at : at + field.size].ljust(field.size, b"\0"))[0]
    return number


DAMAGES: tuple[Damage, ...] = (
    cut,
    flip,
    flip_in_the_header,
    zero,
    saturate,
    splice,
    drop,
    insert,
    duplicate,
    lie,
)
