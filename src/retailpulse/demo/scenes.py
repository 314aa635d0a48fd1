"""What the camera sees: shelves from the front or the side, an aisle, a fridge, a promotion; and its light.

Scenes are drawn well under 12 MP and scaled by `photos`. Not physics: pleasing is enough.
"""

from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from retailpulse.demo.dice import Dice
from retailpulse.demo.perspective import Quad, from_quad, onto_quad
from retailpulse.demo.products import Colour
from retailpulse.demo.shelves import DRINKS, GROCERIES, SNACKS, Wall, draw_wall

Size = tuple[int, int]
Scene = Callable[[Size, Dice], Image.Image]

_RAILS: tuple[Colour, ...] = ((186, 36, 42), (28, 86, 150), (44, 120, 70), (232, 232, 228), (236, 150, 30))


def shelf(size: Size, dice: Dice) -> Image.Image:
    """A shelf as a rep photographs it: nearly straight on, from a step to one side."""
    width, height = size
    wall = Wall(
        width=int(width * 1.25),
        height=int(height * 1.12),
        rows=4 if width > height else 5,
        kinds=dice.pick((GROCERIES, SNACKS, GROCERIES)),
        rail=dice.pick(_RAILS),
    )
    tilt, side = dice.between(0.02, 0.07), dice.pick((-1, 1))
    left, right = (tilt, 0.0) if side < 0 else (0.0, tilt)
    w, h = wall.width, wall.height
    seen: Quad = (
        (w * 0.04, h * (0.02 + left)),
        (w * 0.96, h * (0.02 + right)),
        (w * 0.96, h * (0.98 - right)),
        (w * 0.04, h * (0.98 - left)),
    )
    picture = draw_wall(wall, dice)
    return _light(_look_at(picture, seen, size), dice, warmth=dice.between(-0.2, 0.6))


def fridge(size: Size, dice: Dice) -> Image.Image:
    """Cold drinks behind glass doors: bluish light, frames, handles and a glare."""
    width, height = size
    wall = Wall(
        width=width,
        height=height,
        rows=5,
        kinds=DRINKS,
        back=(176, 204, 222),
        board=(236, 244, 250),
        rail=(214, 226, 236),
    )
    picture = draw_wall(wall, dice)
    glow = Image.new("RGB", size, (214, 236, 255))
    picture = Image.blend(
        picture, ImageChops.screen(picture, glow.point([step // 4 for step in range(256)] * 3)), 0.7
    )
    _doors(picture, doors=3 if width > height else 2)
    return _light(picture, dice, warmth=-0.6)


def aisle(size: Size, dice: Dice) -> Image.Image:
    """Down an aisle: shelves left and right, a shining floor, lamps on the ceiling."""
    width, height = size
    far_left, far_right = width * 0.42, width * dice.between(0.55, 0.60)
    far_top, far_bottom = height * 0.36, height * 0.56
    picture = Image.new("RGB", size, (206, 204, 198))
    _ceiling(picture, (far_left, far_right, far_top))
    _floor(picture, (far_left, far_right, far_bottom))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((far_left, far_top, far_right, far_bottom), fill=(190, 180, 170))
    near_top, near_bottom = -height * 0.28, height * 1.34
    left: Quad = ((-2.0, near_top), (far_left, far_top), (far_left, far_bottom), (-2.0, near_bottom))
    right: Quad = (
        (far_right, far_top),
        (width + 2.0, near_top),
        (width + 2.0, near_bottom),
        (far_right, far_bottom),
    )
    for quad in (left, right):
        wall = Wall(
            width=int(height * 2.4), height=int(height * 0.8), rows=5, kinds=GROCERIES, rail=dice.pick(_RAILS)
        )
        _lay(picture, draw_wall(wall, dice), quad)
    _end_wall(picture, dice, (far_left, far_top, far_right, far_bottom))
    _haze(picture, ((far_left + far_right) / 2, (far_top + far_bottom) / 2))
    return _light(picture, dice, warmth=0.3)


def promotion(size: Size, dice: Dice) -> Image.Image:
    """The head of a gondola: few products, many of each, and a sign over them."""
    width, height = size
    far = aisle((width // 4, height // 4), dice).filter(ImageFilter.GaussianBlur(width / 360))
    backdrop = far.resize(size)
    stand_left, stand_right, sign = int(width * 0.16), int(width * 0.84), int(height * 0.17)
    kinds = (dice.pick(SNACKS), dice.pick(DRINKS))
    wall = Wall(
        width=stand_right - stand_left, height=height - sign, rows=4, kinds=kinds, rail=dice.pick(_RAILS)
    )
    backdrop.paste(draw_wall(wall, dice), (stand_left, sign))
    draw = ImageDraw.Draw(backdrop)
    colour = dice.pick(_RAILS[:3])
    draw.rounded_rectangle((stand_left - 12, 14, stand_right + 12, sign), radius=18, fill=colour)
    text = dice.pick(("2 for 1", "Fresh week", "Now 20% off", "New here!"))
    font = ImageFont.load_default(int(sign * 0.5))
    draw.text(
        ((stand_left + stand_right) / 2, sign * 0.55), text, font=font, fill=(255, 246, 214), anchor="mm"
    )
    for edge in (stand_left - 12, stand_right):
        draw.rectangle((edge, sign, edge + 12, height), fill=(120, 118, 114))
    return _light(backdrop, dice, warmth=0.5)


def _look_at(source: Image.Image, seen: Quad, size: Size) -> Image.Image:
    coefficients = from_quad(seen, *size)
    return source.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)


def _lay(picture: Image.Image, source: Image.Image, quad: Quad) -> None:
    coefficients = onto_quad(quad, *source.size)
    warped = source.transform(
        picture.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
    )
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).polygon(quad, fill=255)
    picture.paste(warped, (0, 0), mask)


def _floor(picture: Image.Image, far: tuple[float, float, float]) -> None:
    (left, right, top), (width, height) = far, picture.size
    tiles = Image.new("RGB", (900, 1800), (196, 190, 180))
    draw = ImageDraw.Draw(tiles)
    for x in range(0, 900, 150):
        for y in range(0, 1800, 150):
            tone = 204 if (x + y) // 150 % 2 else 190
            draw.rectangle((x + 2, y + 2, x + 147, y + 147), fill=(tone, tone - 4, tone - 12))
    _lay(
        picture,
        tiles,
        ((left, top), (right, top), (width * 1.25, height * 1.3), (-width * 0.25, height * 1.3)),
    )
    shine = Image.linear_gradient("L").rotate(180).resize((width, int(height - top)))
    picture.paste((255, 252, 244), (0, int(top)), shine.point([step // 3 for step in range(256)]))


def _ceiling(picture: Image.Image, far: tuple[float, float, float]) -> None:
    (left, right, bottom), width = far, picture.width
    panels = Image.new("RGB", (900, 1800), (222, 222, 220))
    draw = ImageDraw.Draw(panels)
    for y in range(0, 1800, 200):
        draw.line((0, y, 900, y), fill=(196, 196, 194), width=4)
        draw.rounded_rectangle((380, y + 40, 520, y + 170), radius=8, fill=(255, 255, 252))
    _lay(picture, panels, ((-width * 0.3, -bottom), (width * 1.3, -bottom), (right, bottom), (left, bottom)))


def _end_wall(picture: Image.Image, dice: Dice, box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = (int(edge) for edge in box)
    wall = Wall(width=(right - left) * 2, height=(bottom - top) * 2, rows=4, kinds=GROCERIES)
    picture.paste(draw_wall(wall, dice).resize((right - left, bottom - top)), (left, top))
    draw = ImageDraw.Draw(picture)
    sign = (bottom - top) // 6
    draw.rectangle((left, top - sign, right, top), fill=(30, 84, 60))
    font = ImageFont.load_default(max(8, int(sign * 0.6)))
    text = dice.pick(("Bakery", "Dairy", "Fruit", "Drinks"))
    draw.text(((left + right) / 2, top - sign / 2), text, font=font, fill=(250, 250, 240), anchor="mm")


def _haze(picture: Image.Image, centre: tuple[float, float]) -> None:
    """Far things are paler."""
    width, height = picture.size
    spot = Image.radial_gradient("L").resize((int(width * 0.9), int(height * 0.9)))
    mask = spot.point([max(0, 110 - step) for step in range(256)])
    picture.paste((240, 238, 232), (int(centre[0] - mask.width / 2), int(centre[1] - mask.height / 2)), mask)


def _doors(picture: Image.Image, doors: int) -> None:
    width, height = picture.size
    glass = Image.new("L", picture.size, 0)
    glare, draw = ImageDraw.Draw(glass), ImageDraw.Draw(picture)
    door, frame = width / doors, width // 70
    for number in range(doors):
        x = number * door
        glare.polygon(
            [(x + door * 0.1, 0), (x + door * 0.45, 0), (x + door * 0.2, height), (x - door * 0.15, height)],
            34,
        )
        draw.rectangle((x - frame, 0, x + frame, height), fill=(44, 48, 54))
        draw.line((x - frame, 0, x - frame, height), fill=(120, 126, 134), width=3)
        handle = (x + frame * 1.7, height * 0.38, x + frame * 2.7, height * 0.64)
        draw.rounded_rectangle(handle, radius=frame / 2, fill=(186, 192, 198), outline=(90, 96, 104))
    picture.paste((255, 255, 255), (0, 0), glass.filter(ImageFilter.GaussianBlur(12)))


def _light(picture: Image.Image, dice: Dice, warmth: float) -> Image.Image:
    """The camera's part: darker corners and a colour cast."""
    corners = Image.radial_gradient("L").resize(picture.size)
    depth = dice.between(0.30, 0.5)
    shade = corners.point([int(255 * (1 - depth * (step / 255) ** 2)) for step in range(256)])
    shaded = ImageChops.multiply(picture, Image.merge("RGB", (shade, shade, shade)))
    red, blue, gain = 1 + 0.07 * warmth, 1 - 0.09 * warmth, dice.between(1.02, 1.16)
    curve = [min(255, int(step * gain * factor)) for factor in (red, 1.0, blue) for step in range(256)]
    return shaded.point(curve)
