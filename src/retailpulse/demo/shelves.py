"""A wall of shelves, seen from the front: boards, goods in rows, price tags, the shadow under each board.

Flat and evenly lit on purpose: the camera, the room and the light are `scenes`'.
"""

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from retailpulse.demo.dice import Dice
from retailpulse.demo.products import Colour, Product, draw_product

GROCERIES = ("bottle", "can", "jar", "box", "carton", "bag")
DRINKS = ("bottle", "can", "carton")
SNACKS = ("box", "bag", "jar")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wall:
    """What a wall of shelves is made of; sizes in pixels."""

    width: int
    height: int
    rows: int
    kinds: tuple[str, ...]
    back: Colour = (92, 88, 84)
    board: Colour = (222, 222, 218)
    rail: Colour = (186, 36, 42)
    facings: tuple[int, int] = (3, 6)
    """How many of a product stand side by side; of boxes and bags half as many."""


def draw_wall(wall: Wall, dice: Dice) -> Image.Image:
    """The wall, full of goods, with a gap here and there for what is sold out."""
    picture = Image.new("RGB", (wall.width, wall.height), wall.back)
    pitch = wall.height // wall.rows
    board = max(10, pitch // 9)
    _posts(picture, wall, pitch)
    for row in range(wall.rows):
        top = row * pitch
        floor = top + pitch - board
        _shadow(picture, top, pitch)
        tags = _fill_row(picture, wall, dice, floor, pitch - board)
        _board(picture, wall, floor, board)
        for left in tags:
            _price_tag(picture, dice, left, floor, board)
    return picture


def _fill_row(picture: Image.Image, wall: Wall, dice: Dice, floor: int, room: int) -> list[int]:
    """Draw the goods of one row; returns the places of the price tags."""
    left, tags = -dice.whole(0, 40), []
    while left < wall.width:
        product = draw_product(dice, dice.pick(wall.kinds), room)
        fewest, most = wall.facings
        halved = product.kind in {"box", "bag"}
        facings = dice.whole(-(-fewest // 2), -(-most // 2)) if halved else dice.whole(fewest, most)
        gap = max(1, product.width // 26)
        tags.append(left + gap)
        sold_out = dice.whole(1, 12) == 1
        for facing in range(facings):
            if not (sold_out and facing >= facings // 2):
                _stand(picture, product, left + facing * (product.width + gap), floor, dice)
        left += facings * (product.width + gap) + dice.whole(4, 14)
    return tags


def _stand(picture: Image.Image, product: Product, left: int, floor: int, dice: Dice) -> None:
    """One facing: the one behind it, darker and a little higher, then itself and its shadow."""
    top = floor - product.height
    picture.paste(product.shaded, (left + product.width // 14, top - product.height // 22), product.outline)
    lean = dice.whole(-2, 2)
    picture.paste(product.sprite, (left + lean, top), product.sprite)
    shadow = Image.new("L", (product.width, max(3, product.height // 40)), 90)
    picture.paste((20, 16, 14), (left + lean, floor - shadow.height // 2), shadow)


def _shadow(picture: Image.Image, top: int, pitch: int) -> None:
    """The light comes from above, so each row is dark under the board over it."""
    height = int(pitch * 0.8)
    ramp = Image.linear_gradient("L").rotate(180).resize((picture.width, height))
    picture.paste((14, 12, 12), (0, top), ramp.point([int(step * 0.85) for step in range(256)]))


def _board(picture: Image.Image, wall: Wall, floor: int, height: int) -> None:
    draw = ImageDraw.Draw(picture)
    lip = max(2, height // 5)
    draw.rectangle((0, floor, wall.width, floor + height), fill=wall.rail)
    draw.rectangle((0, floor, wall.width, floor + lip), fill=wall.board)
    draw.line((0, floor + lip, wall.width, floor + lip), fill=(70, 66, 62), width=1)
    draw.rectangle((0, floor + height - 2, wall.width, floor + height), fill=(48, 40, 40))


def _price_tag(picture: Image.Image, dice: Dice, left: int, floor: int, height: int) -> None:
    draw = ImageDraw.Draw(picture)
    width, top = int(height * 2.3), floor + max(2, height // 5) + 1
    bottom = floor + height - 2
    paper = (255, 224, 70) if dice.whole(1, 5) == 1 else (252, 252, 248)
    draw.rounded_rectangle((left, top, left + width, bottom), radius=2, fill=paper, outline=(150, 150, 150))
    price = f"{dice.whole(0, 24)}.{dice.pick(('19', '49', '79', '95', '99'))}"
    font = ImageFont.load_default(max(7, int((bottom - top) * 0.72)))
    draw.text((left + width * 0.36, (top + bottom) / 2), price, font=font, fill=(24, 24, 24), anchor="mm")
    for bar in range(int(width * 0.72), width - 3, 3):
        draw.line((left + bar, top + 3, left + bar, bottom - 3), fill=(40, 40, 40), width=dice.whole(1, 2))


def _posts(picture: Image.Image, wall: Wall, pitch: int) -> None:
    """The steel posts that carry the boards, one every few metres."""
    draw = ImageDraw.Draw(picture)
    for left in range(pitch, wall.width, pitch * 4):
        draw.rectangle((left, 0, left + pitch // 16, wall.height), fill=(168, 168, 166))
        draw.line((left, 0, left, wall.height), fill=(232, 232, 230), width=2)
        draw.line((left + pitch // 16, 0, left + pitch // 16, wall.height), fill=(84, 84, 84), width=2)
