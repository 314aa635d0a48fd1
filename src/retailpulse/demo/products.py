"""Goods of a shop, drawn: bottles, cans, jars, boxes and bags with a made-up brand on each.

One sprite per product, drawn at twice its size and reduced for smooth edges. Their places are chosen in
`shelves`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFont

from retailpulse.demo.dice import Dice

Colour = tuple[int, int, int]

_OVER = 2  # how much larger a sprite is drawn than it is used

_COLOURS: tuple[tuple[Colour, Colour], ...] = (
    ((200, 38, 46), (252, 236, 214)),
    ((22, 92, 160), (246, 246, 250)),
    ((242, 178, 34), (120, 34, 26)),
    ((42, 130, 74), (250, 242, 190)),
    ((240, 116, 40), (255, 250, 240)),
    ((104, 58, 134), (248, 214, 90)),
    ((238, 234, 224), (186, 40, 60)),
    ((34, 40, 52), (226, 190, 110)),
    ((96, 186, 200), (20, 60, 110)),
    ((232, 140, 164), (255, 255, 255)),
    ((150, 96, 56), (250, 232, 200)),
    ((170, 206, 70), (30, 90, 50)),
)
_BRANDS = ("Alma", "Vero", "Nordi", "Suncup", "Mira", "Tiko", "Brio", "Fjell", "Zesta", "Oro", "Lumo", "Pavo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One product: its sprite, its outline, and itself in the shade of the one before it."""

    kind: str
    sprite: Image.Image
    outline: Image.Image
    shaded: Image.Image

    @property
    def width(self) -> int:
        """Width of the sprite in pixels."""
        return self.sprite.width

    @property
    def height(self) -> int:
        """Height of the sprite in pixels."""
        return self.sprite.height


def draw_product(dice: Dice, kind: str, room_height: int) -> Product:
    """A product of this kind that fits under a shelf `room_height` pixels above its own."""
    share, slimness = _SHAPES[kind]
    height = int(room_height * dice.between(*share))
    width = max(24, int(height * dice.between(*slimness)))
    body, accent = dice.pick(_COLOURS)
    look = _Look(body=body, accent=accent, brand=dice.pick(_BRANDS), dice=dice)
    canvas = Image.new("RGBA", (width * _OVER, height * _OVER), (0, 0, 0, 0))
    _DRAWERS[kind](canvas, look)
    sprite = canvas.reduce(_OVER)
    shaded = sprite.convert("RGB").point([int(step * 0.42) for step in range(256)] * 3)
    return Product(kind=kind, sprite=sprite, outline=sprite.getchannel("A"), shaded=shaded)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    body: Colour
    accent: Colour
    brand: str
    dice: Dice


def _bottle(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    neck_left, neck_right, shoulder = int(w * 0.34), int(w * 0.66), int(h * 0.30)
    draw.rounded_rectangle((0, shoulder - w * 0.14, w - 1, h - 1), radius=w * 0.16, fill=look.body)
    draw.polygon(
        [(0, shoulder), (neck_left, int(h * 0.13)), (neck_right, int(h * 0.13)), (w - 1, shoulder)], look.body
    )
    draw.rectangle((neck_left, h * 0.05, neck_right, h * 0.16), fill=look.body)
    draw.rounded_rectangle((neck_left - 3, 0, neck_right + 3, h * 0.07), radius=5, fill=look.accent)
    _label(canvas, look, (0, int(h * 0.44), w, int(h * 0.80)))
    _round(canvas)


def _can(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    rim = int(h * 0.05)
    draw.rounded_rectangle((0, 0, w - 1, h - 1), radius=w * 0.08, fill=(196, 200, 206))
    draw.rectangle((0, rim, w - 1, h - rim), fill=look.body)
    draw.polygon([(0, h * 0.62), (w, h * 0.40), (w, h * 0.52), (0, h * 0.74)], fill=look.accent)
    _text(draw, look.brand, (w / 2, h * 0.28), w * 0.86, look.accent)
    _round(canvas)


def _jar(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    draw.rounded_rectangle((0, h * 0.14, w - 1, h - 1), radius=w * 0.14, fill=look.body)
    draw.rounded_rectangle((w * 0.06, 0, w * 0.94, h * 0.19), radius=6, fill=look.accent)
    _label(canvas, look, (0, int(h * 0.36), w, int(h * 0.84)))
    _round(canvas)


def _box(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    draw.rectangle((0, 0, w - 1, h - 1), fill=look.body)
    draw.rectangle((0, h * 0.10, w, h * 0.34), fill=look.accent)
    _text(draw, look.brand, (w / 2, h * 0.22), w * 0.84, look.body)
    _picture(draw, look, (w / 2, h * 0.64), min(w, h) * 0.28)
    _flat(canvas)


def _carton(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    top = int(h * 0.16)
    draw.rectangle((0, top, w - 1, h - 1), fill=look.body)
    draw.polygon(
        [(0, top), (w * 0.14, h * 0.03), (w * 0.86, h * 0.03), (w - 1, top)], fill=_tint(look.body, 0.82)
    )
    draw.rectangle((w * 0.12, 0, w * 0.88, h * 0.045), fill=_tint(look.body, 0.92))
    _text(draw, look.brand, (w / 2, h * 0.32), w * 0.86, look.accent)
    draw.pieslice((-w * 0.3, h * 0.62, w * 1.3, h * 1.4), 180, 360, fill=look.accent)
    _picture(draw, look, (w / 2, h * 0.62), w * 0.26)
    _flat(canvas)


def _bag(canvas: Image.Image, look: _Look) -> None:
    draw, (w, h) = ImageDraw.Draw(canvas), canvas.size
    draw.rounded_rectangle((0, h * 0.04, w - 1, h - 1), radius=w * 0.12, fill=look.body)
    draw.rectangle((w * 0.03, 0, w * 0.97, h * 0.09), fill=_tint(look.body, 0.78))
    draw.ellipse((w * 0.08, h * 0.24, w * 0.92, h * 0.58), fill=look.accent)
    _text(draw, look.brand, (w / 2, h * 0.41), w * 0.70, look.body)
    _picture(draw, look, (w / 2, h * 0.78), w * 0.17)
    _round(canvas)


def _label(canvas: Image.Image, look: _Look, area: tuple[int, int, int, int]) -> None:
    draw, (left, top, right, bottom) = ImageDraw.Draw(canvas), area
    height = bottom - top
    draw.rectangle(area, fill=look.accent)
    draw.rectangle((left, top, right, top + height * 0.12), fill=_tint(look.body, 0.8))
    _text(draw, look.brand, ((left + right) / 2, top + height * 0.36), (right - left) * 0.88, look.body)
    _picture(draw, look, ((left + right) / 2, top + height * 0.75), height * 0.16)


def _picture(draw: ImageDraw.ImageDraw, look: _Look, centre: tuple[float, float], radius: float) -> None:
    """What is on the packet: a fruit with a leaf, or rings."""
    (x, y), inner = centre, radius * 0.62
    fruit = look.dice.pick(((220, 60, 50), (240, 150, 40), (250, 205, 70), (120, 170, 60), (130, 70, 120)))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fruit)
    draw.ellipse((x - inner, y - inner, x + inner * 0.3, y + inner * 0.3), fill=_tint(fruit, 1.25))
    draw.polygon(
        [(x, y - radius), (x + radius * 0.7, y - radius * 1.35), (x + radius * 0.35, y - radius * 0.75)],
        fill=(70, 130, 60),
    )


def _text(
    draw: ImageDraw.ImageDraw, text: str, centre: tuple[float, float], width: float, fill: Colour
) -> None:
    size = max(8, int(width / max(3, len(text)) * 1.55))
    draw.text(
        centre, text, font=ImageFont.load_default(size), fill=fill, anchor="mm", stroke_width=size // 22
    )


def _tint(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(channel * factor)) for channel in colour)
    return red, green, blue


def _round(canvas: Image.Image) -> None:
    """Shade it like a cylinder, lit from the upper left."""
    _shade(canvas, lambda x: int(255 * max(0.30, min(1.0, 1.12 - 2.3 * abs(x - 0.36) ** 1.7))))


def _flat(canvas: Image.Image) -> None:
    """Shade it like a box: an edge that catches the light and one that does not."""
    _shade(canvas, lambda x: 255 if x < 0.04 else int(240 - 34 * x) if x < 0.95 else 150)


def _shade(canvas: Image.Image, light: Callable[[float], int]) -> None:
    ramp = Image.linear_gradient("L").rotate(90).point([light(step / 255) for step in range(256)])
    shade = ramp.resize(canvas.size)
    lit = ImageChops.multiply(canvas.convert("RGB"), Image.merge("RGB", (shade, shade, shade)))
    lit.putalpha(canvas.getchannel("A"))
    canvas.paste(lit)


_SHAPES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "bottle": ((0.74, 0.93), (0.27, 0.34)),
    "can": ((0.44, 0.56), (0.50, 0.60)),
    "jar": ((0.46, 0.62), (0.58, 0.74)),
    "box": ((0.62, 0.90), (0.58, 0.80)),
    "carton": ((0.66, 0.88), (0.38, 0.46)),
    "bag": ((0.66, 0.86), (0.60, 0.72)),
}
_DRAWERS: dict[str, Callable[[Image.Image, _Look], None]] = {
    "bottle": _bottle,
    "can": _can,
    "jar": _jar,
    "box": _box,
    "carton": _carton,
    "bag": _bag,
}
