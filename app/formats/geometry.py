"""Whether a box is one: finite numbers, corners in order, an area, inside its image. The same rule for every format."""

from math import isfinite

from app.formats.records import DECIMALS, DraftBox

# Tools round: a box may reach this far (pixels) over the edge and is cut there; further out, somebody made a mistake.
EDGE = 0.5


def pixels(box: DraftBox, width: int, height: int) -> tuple[float, float, float, float]:
    """`x, y, width, height` in pixels, unrounded."""
    if box.scale is None:
        return box.x, box.y, box.width, box.height
    across, down = width / box.scale, height / box.scale
    return box.x * across, box.y * down, box.width * across, box.height * down


def problem(x: float, y: float, wide: float, high: float, width: int, height: int) -> tuple[str, str, str] | None:
    """None if the box can go in, else its kind, what is wrong and what to do."""
    if not all(isfinite(number) for number in (x, y, wide, high)):
        return "not-a-number", "a coordinate is NaN or infinite", "Write four finite numbers."
    if wide < 0 or high < 0:
        return (
            "swapped-corners",
            f"the corners are swapped (width {_short(wide)}, height {_short(high)})",
            "Put the upper left corner first.",
        )
    if round(wide, DECIMALS) == 0 or round(high, DECIMALS) == 0:
        return (
            "zero-area",
            f"the box has no area ({_short(wide)} × {_short(high)} pixels)",
            "Draw it again, or remove it.",
        )
    if x < -EDGE or y < -EDGE or x + wide > width + EDGE or y + high > height + EDGE:
        return (
            "outside",
            f"the box [{_short(x)}, {_short(y)}, {_short(wide)}, {_short(high)}] reaches outside the image "
            f"of {width} × {height} pixels",
            "Check that it belongs to this image, and cut it at the edge.",
        )
    return None


def cut(x: float, y: float, wide: float, high: float, width: int, height: int) -> tuple[float, float, float, float]:
    """The part inside the image, rounded to what is kept. Call it only for what has no `problem`."""
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(float(width), x + wide), min(float(height), y + high)
    if (left, top) == (x, y) and right == x + wide and bottom == y + high:
        right, bottom = left + wide, top + high
        return round(left, DECIMALS), round(top, DECIMALS), round(wide, DECIMALS), round(high, DECIMALS)
    return (
        round(left, DECIMALS),
        round(top, DECIMALS),
        round(right - left, DECIMALS),
        round(bottom - top, DECIMALS),
    )


def _short(number: float) -> str:
    return f"{number:.4f}".rstrip("0").rstrip(".")
