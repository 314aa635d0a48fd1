"""The geometry of a camera: coefficients for Pillow's perspective transform, in closed form.

After Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3. The corners of a
quad go round from the top left, clockwise. Weak: a degenerate quad divides by zero.
"""

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
Matrix = tuple[float, float, float, float, float, float, float, float, float]


def from_quad(quad: Quad, width: int, height: int) -> tuple[float, ...]:
    """Coefficients that fill a picture of `width` by `height` with what `quad` shows of the source."""
    a, b, c, d, e, f, g, h, _ = _square_to(quad)
    return (a / width, b / height, c, d / width, e / height, f, g / width, h / height)


def onto_quad(quad: Quad, width: int, height: int) -> tuple[float, ...]:
    """Coefficients that lay a source of `width` by `height` onto `quad` of the picture."""
    a, b, c, d, e, f, g, h, i = _inverse(_square_to(quad))
    scaled = (a * width, b * width, c * width, d * height, e * height, f * height, g, h)
    return tuple(number / i for number in scaled)


def _square_to(quad: Quad) -> Matrix:
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    dx1, dx2, dy1, dy2 = x1 - x2, x3 - x2, y1 - y2, y3 - y2
    area = dx1 * dy2 - dx2 * dy1
    g = (sx * dy2 - dx2 * sy) / area
    h = (dx1 * sy - sx * dy1) / area
    return (x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0)


def _inverse(matrix: Matrix) -> Matrix:
    # The adjugate: a projective matrix may be scaled freely, so no determinant is needed.
    a, b, c, d, e, f, g, h, i = matrix
    return (
        e * i - f * h, c * h - b * i, b * f - c * e,
        f * g - d * i, a * i - c * g, c * d - a * f,
        d * h - e * g, b * g - a * h, a * e - b * d,
    )  # fmt: skip
