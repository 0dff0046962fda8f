"""From an image's bytes to the model's input, exactly as in training (docs/bundle-format.md, `contract.json`).

Decode with Pillow, apply the EXIF orientation, convert to the contract's mode, resize with Pillow's BILINEAR if the
size differs. Everything else (casting, scaling, normalisation) is inside the graph.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_node.errors import BadImage, Refused

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MAX_SIDE = 4096
_CHANNELS = {"L": 1, "RGB": 3}
# What Pillow's decoders raise on rubbish, found by fuzzing beside its documentation.
_DECODING_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError,
    AttributeError, MemoryError, RuntimeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """The input a graph takes, uint8 [N, height, width, channels], and the output it gives, float32 [N, classes]."""

    input_name: str
    height: int
    width: int
    channels: int
    mode: str
    exif_transpose: bool
    output_name: str
    classes: int


def parse_contract(value: Any) -> Contract:
    """Check `contract.json`. Raises Refused with the field that this node cannot honour."""
    source = value if isinstance(value, dict) else {}
    taken, given = source.get("input"), source.get("output")
    if not isinstance(taken, dict) or not isinstance(given, dict):
        raise Refused("contract.json has no input and output.")
    for where, part, name, wanted in (
        ("", source, "task", "classification"),
        ("input.", taken, "dtype", "uint8"),
        ("input.", taken, "layout", "NHWC"),
        ("input.", taken, "resize", "bilinear"),
        ("output.", given, "dtype", "float32"),
    ):
        if part.get(name) != wanted:
            raise Refused(f"contract.json: {where}{name} is {part.get(name)!r}; this node can do {wanted!r} only.")
    mode = taken.get("mode")
    if mode not in _CHANNELS or taken.get("channels") != _CHANNELS[mode]:
        raise Refused(
            f"contract.json: mode {mode!r} with {taken.get('channels')!r} channels; use L with 1, RGB with 3."
        )
    names = (taken.get("name"), given.get("name"))
    if not all(isinstance(name, str) and name for name in names) or not isinstance(taken.get("exif_transpose"), bool):
        raise Refused("contract.json: input.name, output.name or input.exif_transpose is missing.")
    return Contract(
        str(names[0]), _side(taken, "height"), _side(taken, "width"), _CHANNELS[mode], mode, taken["exif_transpose"],
        str(names[1]), _count(given, "classes", 100_000),
    )  # fmt: skip


def _side(part: dict[str, Any], name: str) -> int:
    return _count(part, name, MAX_SIDE)


def _count(part: dict[str, Any], name: str, limit: int) -> int:
    value = part.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
        raise Refused(f"contract.json: {name} is {value!r}; it must be a whole number between 1 and {limit}.")
    return value


def decode(data: bytes, contract: Contract, max_pixels: int) -> npt.NDArray[np.uint8]:
    """uint8 [height, width, channels] from an image file's bytes. Raises BadImage."""
    if not data:
        raise BadImage("The image is empty.")
    try:
        return _decode(data, contract, max_pixels)
    except BadImage:
        raise
    except UnidentifiedImageError:
        raise BadImage(f"The image is in none of the formats {', '.join(FORMATS)}.") from None
    except _DECODING_ERRORS as error:
        raise BadImage(f"The image cannot be decoded: {str(error) or type(error).__name__}.") from error


def _decode(data: bytes, contract: Contract, max_pixels: int) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise BadImage(f"The image has {width} x {height} pixels; at most {max_pixels} pixels are decoded.")
        image: Image.Image = ImageOps.exif_transpose(opened) if contract.exif_transpose else opened
        image = image.convert(contract.mode)
        if image.size != (contract.width, contract.height):
            image = image.resize((contract.width, contract.height), Image.Resampling.BILINEAR)
        return np.asarray(image, dtype=np.uint8).reshape(contract.height, contract.width, contract.channels)
