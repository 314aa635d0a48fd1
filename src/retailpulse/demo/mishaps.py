"""What befalls photos: wrong focus and light, and what is done to one that is handed in again.

Each takes the picture as a viewer shows it and returns another one. Weak: no moire, no photo of a screen.
"""

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from retailpulse.demo.dice import Dice

_BLUR_SHARE = 0.004  # of the longer side: out of focus for anybody
_CROP_SHARE = 0.055  # of each side
_BAR = (18, 18, 20)


def blurred(picture: Image.Image) -> Image.Image:
    """Out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) * _BLUR_SHARE))


def darkened(picture: Image.Image) -> Image.Image:
    """With the lamps off: more than two stops less."""
    return picture.point([int(step * 0.2) for step in range(256)] * 3)


def washed_out(picture: Image.Image) -> Image.Image:
    """Against the sun: two stops more, and its glare."""
    return picture.point([min(255, int(step * 3.4) + 100) for step in range(256)] * 3)


def cropped(picture: Image.Image) -> Image.Image:
    """Without its edges: a ninth of its width and height."""
    width, height = picture.size
    left, top = round(width * _CROP_SHARE), round(height * _CROP_SHARE)
    return picture.crop((left, top, width - left, height - top))


def screenshot(picture: Image.Image) -> Image.Image:
    """On the screen of a phone, as wide as it: a bar with the time above, buttons below."""
    width = picture.width
    screen = Image.new("RGB", (width, width * 13 // 6), (0, 0, 0))
    draw, unit = ImageDraw.Draw(screen), width // 36
    font = ImageFont.load_default(unit * 1.3)
    draw.rectangle((0, 0, width, unit * 3), fill=_BAR)
    draw.text((unit * 2, unit * 1.5), "9:41", font=font, fill=(240, 240, 240), anchor="lm")
    draw.rounded_rectangle((width - unit * 4, unit, width - unit * 2, unit * 2), radius=4, outline=(240,) * 3)
    draw.rectangle((width - unit * 4 + 4, unit + 4, width - unit * 2.6, unit * 2 - 4), fill=(240,) * 3)
    screen.paste(picture, (0, (screen.height - picture.height) // 2))
    draw.rectangle((0, screen.height - unit * 4, width, screen.height), fill=_BAR)
    for place in (0.25, 0.5, 0.75):
        centre = (width * place, screen.height - unit * 2)
        draw.regular_polygon((*centre, unit * 0.8), n_sides=int(place * 4) + 2, outline=(240,) * 3)
    return screen


def bare_wall(size: tuple[int, int], dice: Dice) -> Image.Image:
    """A scene: a painted wall and nothing on it, a little brighter at one side."""
    tone = dice.whole(150, 170)
    ramp = (
        Image.linear_gradient("L").rotate(90).resize(size).point([tone + step // 24 for step in range(256)])
    )
    return Image.merge("RGB", (ramp, ramp.point([max(0, step - 4) for step in range(256)]), ramp))
