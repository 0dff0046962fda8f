"""Small pictures of images, for galleries: pixels in, WebP out. No SQL and no store here.

The limits are those of `files`: what would not be accepted as a sample is not decoded for a preview either.
"""

import struct
import warnings
import zlib
from io import BytesIO
from typing import cast

from PIL import Image, ImageOps

from app.errors import Invalid
from app.services.files import FORMATS, MAX_PIXELS

SIDE = 256
"""Longest side of a preview, in pixels: a gallery's tile on a screen with two device pixels per pixel."""
CONTENT_TYPE = "image/webp"
# What Pillow's decoders raise on damaged files, beside what their documentation says.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError,
    AttributeError, struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


def of_image(data: bytes) -> bytes:
    """The upright preview of an image file, of an animated one its first picture. Raises `Invalid` if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Invalid(f"More than {MAX_PIXELS:,} pixels are not decoded for a preview.")
                # A JPEG is decoded at a fraction of its size where that is enough; nothing else changes.
                image.draft("RGB", (SIDE * 2, SIDE * 2))
                return encode(ImageOps.exif_transpose(image))
    except _UNREADABLE as error:
        raise Invalid(f"No preview can be made of this file ({error}).") from error


def encode(image: Image.Image) -> bytes:
    """`image`, not larger than `SIDE` × `SIDE`, as WebP."""
    small = _eight_bits(image)
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX if max(small.size) > 4 * SIDE else Image.Resampling.BICUBIC)
    out = BytesIO()
    small.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def _eight_bits(image: Image.Image) -> Image.Image:
    """Any mode as RGB or RGBA; deep greys are stretched to what is in them, as nobody sees the darkest 8 of 16 bits."""
    if image.mode.startswith(("I", "F")):
        deep = image.convert("F")
        low, high = cast(tuple[float, float], deep.getextrema())
        scale = 255 / (high - low) if high > low else 0
        return deep.point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")
