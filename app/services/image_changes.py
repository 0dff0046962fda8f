"""What is changed of an image before it is kept, so that everybody who reads it later sees the same upright picture.

- The EXIF orientation is applied: a JPEG is encoded again (quality 95, its own subsampling), others become PNG.
- Where a picture was taken (GPS in EXIF or XMP) is removed, unless the dataset keeps it. In a JPEG that changes the
  metadata only: its pixels stay as they were, byte for byte.
- CMYK and Lab become RGB through the file's colour profile; greys of 16 bits become 8 bits (the upper ones): training
  and edge servers would read them as white. Floating-point pixels and more than 16 bits are refused.

The colour profile and all other metadata are kept. A file that needs none of this is kept byte for byte.
"""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.JpegImagePlugin import get_sampling

from app.services import jpeg_metadata

QUALITY = 95
_ORIENTATION, _GPS, _EXIF, _TAKEN, _ZONE = 0x0112, 0x8825, 0x8769, 0x9003, 0x9011
_TURNED = range(2, 9)
_DEEP_GREYS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TO_RGB = frozenset({"CMYK", "LAB", "YCbCr", "HSV"})
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_SIXTEEN_BITS = 65_535


class Unfit(Exception):
    """The pixels are of a kind that cannot be kept; the text says which and what to do."""


@dataclass(frozen=True)
class Changed:
    """The bytes to keep, what they are, and `what` was changed (nothing: they are the ones that arrived).

    `upright` is the picture with at most 8 bits a channel, as every reader will see it.
    """

    data: bytes
    suffix: str
    upright: Image.Image
    what: tuple[str, ...] = ()


def change(data: bytes, image: Image.Image, suffix: str, *, keeps_location: bool) -> Changed:
    """`image` is decoded from `data`. Raises `Unfit`."""
    what: list[str] = []
    pixels = _eight_bits(image, what)
    exif = image.getexif()
    if exif.get(_ORIENTATION) in _TURNED:
        pixels = ImageOps.exif_transpose(pixels)
        what.append("turned upright")
    is_new = bool(what)
    located = not keeps_location and (_GPS in exif or _names_a_place(image.info.get("xmp")))
    if located:
        what.append("location removed")
    if not what:
        return Changed(data, suffix, pixels)
    if not is_new and image.format == "JPEG":
        return Changed(jpeg_metadata.without_location(data, _kept(exif, located)), suffix, pixels, tuple(what))
    encoded, suffix = _encoded(image, pixels, _kept(exif, located), located)
    return Changed(encoded, suffix, pixels, tuple(what))


def captured_at(image: Image.Image) -> datetime | None:
    """When the camera says it took the picture. A camera that says no time zone is taken to mean UTC."""
    exif = image.getexif().get_ifd(_EXIF)
    taken, zone = exif.get(_TAKEN), exif.get(_ZONE)
    if not isinstance(taken, str):
        return None
    try:
        moment = datetime.strptime(taken.strip("\0 "), "%Y:%m:%d %H:%M:%S")
        if isinstance(zone, str) and re.fullmatch(r"[+-]\d\d:\d\d", zone.strip("\0 ")):
            return datetime.fromisoformat(moment.isoformat() + zone.strip("\0 ")).astimezone(UTC)
        return moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _eight_bits(image: Image.Image, what: list[str]) -> Image.Image:
    """The pixels as every reader understands them; says in `what` if they had to be converted."""
    if image.mode == "F":
        raise Unfit("its pixels are floating-point numbers. Save it with 8 or 16 bits a channel.")
    if image.mode in _DEEP_GREYS:
        levels = np.asarray(image).astype(np.int64)
        if levels.min(initial=0) < 0 or levels.max(initial=0) > _SIXTEEN_BITS:
            raise Unfit("its pixels have more than 16 bits. Save it with 8 or 16 bits a channel.")
        what.append("16 bits to 8 bits")
        return _with_exif_of(image, Image.fromarray((levels >> 8).astype(np.uint8)))
    if image.mode in _TO_RGB:
        what.append(f"{image.mode} to RGB")
        return _with_exif_of(image, _to_rgb(image))
    return image


def _with_exif_of(image: Image.Image, pixels: Image.Image) -> Image.Image:
    if (exif := image.getexif()) and (turn := exif.get(_ORIENTATION)):
        pixels.getexif()[_ORIENTATION] = turn
    return pixels


def _to_rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            known = ImageCms.ImageCmsProfile(BytesIO(profile))
            turned = ImageCms.profileToProfile(image, known, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if turned is not None:
                return turned
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that does not fit the pixels: the plain formula then
    return image.convert("RGB")


def _kept(exif: Image.Exif, located: bool) -> bytes:
    """The EXIF block without what no longer holds; empty if nothing is left."""
    for tag in (_ORIENTATION, *((_GPS,) if located else ())):
        if tag in exif:
            del exif[tag]
    try:
        return exif.tobytes() if len(exif) else b""
    except (struct.error, TypeError, ValueError, OverflowError):
        return b""  # values that no camera may write: the picture is worth more than they are


def _names_a_place(xmp: Any) -> bool:
    return isinstance(xmp, bytes) and b"GPS" in xmp


def _encoded(image: Image.Image, pixels: Image.Image, exif: bytes, located: bool) -> tuple[bytes, str]:
    """`pixels` as a new file with the profile and metadata of `image`."""
    out = BytesIO()
    profile = image.info.get("icc_profile") if image.mode not in _TO_RGB else None
    xmp = image.info.get("xmp")
    common: dict[str, Any] = {"exif": exif, "icc_profile": profile}
    if image.format in {"JPEG", "MPO"}:
        sampling = get_sampling(image)
        if isinstance(xmp, bytes) and not (located and _names_a_place(xmp)):
            common["xmp"] = xmp
        pixels.save(out, "JPEG", quality=QUALITY, subsampling=max(sampling, 0), **common)
        return out.getvalue(), "jpg"
    fitting = pixels if pixels.mode in _PNG_MODES else pixels.convert("RGBA" if "A" in pixels.mode else "RGB")
    fitting.save(out, "PNG", **{name: value for name, value in common.items() if value})
    return out.getvalue(), "png"
