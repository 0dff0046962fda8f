"""What a received file really is: its digest, its type by content, its pixels; and what has to be changed before it is
kept. No SQL and no store here.

The declared type and name of an upload are never believed. A file is decoded completely before it is accepted; what its
header claims is checked before anything is decoded, and only so many pixels are decoded at the same time in one
process, however many requests there are (`pixel_budget`).
"""

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from app.domain.file_faults import Fault
from app.errors import Invalid
from app.services import image_changes, perceptual_hash
from app.services.file_kinds import kind_of
from app.services.pixel_budget import decoding

MAX_PIXELS = 64_000_000
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}
CONTENT_TYPES = {s: f"image/{'jpeg' if s == 'jpg' else 'tiff' if s == 'tif' else s}" for s in SUFFIXES.values()}
# Pillow opens MPO, what phones make of several pictures in one JPEG, as JPEG; named here it would fail behind it.
FORMATS = [name for name in SUFFIXES if name != "MPO"]
# What Pillow's decoders raise on damaged files, beside what their documentation says.
UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError,
    AttributeError, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class ReceivedFile:
    """A file in the store that is what it should be; `width` and `height` in pixels of the upright image.

    `original_sha256` is the digest of what arrived, where that was changed; `changes` say how.
    """

    file_url: str
    file_size: int
    sha256: str
    width: int
    height: int
    perceptual_hash: int | None = None
    captured_at: datetime | None = None
    original_sha256: str | None = None
    changes: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """What of it is a column of a sample."""
        names = ("file_url", "file_size", "sha256", "width", "height", "perceptual_hash")
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, str]:
        """What the sample's metadata keep of what was changed."""
        if self.original_sha256 is None:
            return {}
        return {"original_sha256": self.original_sha256, "changes": ", ".join(self.changes)}


@dataclass(frozen=True)
class Inspection:
    """What the bytes of an image say, and the bytes to keep (`data`, whose digest is `sha256`)."""

    data: bytes
    sha256: str
    suffix: str
    width: int
    height: int
    perceptual_hash: int | None
    captured_at: datetime | None
    original_sha256: str | None
    changes: tuple[str, ...]


def refused(name: str, fault: Fault, message: str) -> Invalid:
    """The error for one file; `fault` says in one word what the message says in a sentence."""
    return Invalid(f"{name}: {message}", fault=fault.value)


def inspect_image(data: bytes, name: str, *, keeps_location: bool = False) -> Inspection:
    """Decode `data` completely, or raise `Invalid` that names the file and what is wrong with it."""
    if not data:
        raise refused(name, Fault.EMPTY, "the file is empty (0 bytes).")
    digest = hashlib.sha256(data).hexdigest()
    with _opened(data, name) as image, decoding(image.width * image.height):
        suffix = SUFFIXES[str(image.format)]
        _refuse_several(image, name)
        try:
            image.load()
            changed = image_changes.change(data, image, suffix, keeps_location=keeps_location)
        except image_changes.Unfit as error:
            raise refused(name, Fault.UNSUPPORTED, str(error)) from error
        except UNREADABLE as error:
            raise refused(name, Fault.DAMAGED, f"the image is damaged or cut short ({error}).") from error
        return Inspection(
            changed.data,
            hashlib.sha256(changed.data).hexdigest() if changed.what else digest,
            changed.suffix,
            *changed.upright.size,
            perceptual_hash.of_image(changed.upright),
            image_changes.captured_at(image),
            digest if changed.what else None,
            changed.what,
        )


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """The image with its header read and nothing decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(name, "the image is larger than") from error
    except UnidentifiedImageError as error:
        found = kind_of(data)
        fault = Fault.ENCRYPTED if found.encrypted else Fault.NOT_AN_IMAGE
        allowed = ", ".join(sorted(FORMATS))
        what = f"{found.name}, not an image that can be read. {found.advice}Allowed: {allowed}."
        raise refused(name, fault, what) from error
    except UNREADABLE as error:
        raise refused(name, Fault.DAMAGED, f"the image is damaged or cut short ({error}).") from error
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_many_pixels(name, f"{image.width}×{image.height} pixels are more than")
        yield image


def _too_many_pixels(name: str, what: str) -> Invalid:
    return refused(name, Fault.TOO_MANY_PIXELS, f"{what} the {MAX_PIXELS:,} allowed pixels.")


def _refuse_several(image: Image.Image, name: str) -> None:
    """A sample is one picture. (MPO is: its others are what a camera adds, such as a preview.)"""
    if image.format == "TIFF":
        several = getattr(image, "n_frames", 1) > 1
        what = "this TIFF has several pages, and a sample is one image. Save each page as a file of its own."
    else:
        several = image.format != "MPO" and getattr(image, "is_animated", False)
        what = "this image is animated, and a sample is one picture. Save one frame, or upload it as a video."
    if several:
        raise refused(name, Fault.ANIMATED, what)
