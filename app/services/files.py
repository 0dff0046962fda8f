"""What a received file really is: its digest, its type by content, its size in pixels. No SQL here.

The declared type and name of an upload are never believed.
"""

import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from app.errors import Invalid

MAX_PIXELS = 64_000_000
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}
CONTENT_TYPES = {s: f"image/{'jpeg' if s == 'jpg' else 'tiff' if s == 'tif' else s}" for s in SUFFIXES.values()}


@dataclass(frozen=True)
class ReceivedFile:
    """A file in the store that is what it should be."""

    file_url: str
    file_size: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Inspection:
    """What the bytes of an image say."""

    sha256: str
    suffix: str
    width: int
    height: int


def inspect_image(data: bytes, name: str) -> Inspection:
    """Decode `data` completely, or raise `Invalid` that names the file and what is wrong with it."""
    if not data:
        raise Invalid(f"{name}: the file is empty (0 bytes).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=list(SUFFIXES)) as image:
                kind, (width, height) = str(image.format), image.size
                if width * height > MAX_PIXELS:
                    raise Invalid(f"{name}: {width}×{height} pixels are more than the {MAX_PIXELS:,} allowed.")
                image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid(f"{name}: the image is larger than the {MAX_PIXELS:,} pixels allowed.") from error
    except UnidentifiedImageError as error:
        raise Invalid(f"{name}: not an image that can be read. Allowed: {', '.join(sorted(SUFFIXES))}.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Invalid(f"{name}: the image is damaged or cut short ({error}).") from error
    return Inspection(hashlib.sha256(data).hexdigest(), SUFFIXES[kind], width, height)
