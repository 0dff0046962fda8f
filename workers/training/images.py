"""From image files to arrays, exactly as an edge server does it (docs/bundle-format.md).

Decode with Pillow, apply the EXIF orientation, convert to `L` or `RGB`, resize with `BILINEAR` if the size differs.
What cannot be read is refused with the name of the sample. Memory is bounded: decoded images are kept only while all
of them fit a budget; otherwise they are decoded each time they are asked for.
"""

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from app.errors import Invalid
from workers.training.spec import TrainingSample

Pixels = NDArray[np.uint8]

SMALLEST_SIDE, LARGEST_SIDE, COMMON_SIDE = 8, 512, 64
KEEP_DECODED_BYTES = 512 * 2**20
_GREY_MODES = frozenset({"1", "L", "I", "F", "I;16", "I;16B", "I;16L"})
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""What an edge server decodes; training on anything else would make a model that nobody can ask. (Pillow opens MPO as
JPEG; naming MPO here would make it fail on every format behind it.)"""
# What Pillow's decoders raise on damaged files, beside what their documentation says.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, ZeroDivisionError,
    AttributeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "TIFF": "tif"}
_CHECK_EVERY = 64
_ORIENTATION, _TURNED = 0x0112, frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class InputFormat:
    """The size and colour of every image that enters the net."""

    height: int
    width: int
    channels: int

    @property
    def mode(self) -> str:
        return "L" if self.channels == 1 else "RGB"

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.height, self.width, self.channels)


@dataclass(frozen=True)
class Survey:
    """What the headers of a dataset say. `sizes` are (height, width) as seen, that is after EXIF orientation."""

    sizes: frozenset[tuple[int, int]]
    grey: bool

    def choose_format(self, image_size: int | None, channels: int | None) -> InputFormat:
        """The format asked for, or for None: the images' own size if all are equal and usable, else 64 × 64."""
        height = width = image_size or COMMON_SIDE
        if image_size is None and self.keeps_own_size:
            ((height, width),) = self.sizes
        return InputFormat(height, width, channels or (1 if self.grey else 3))

    @property
    def keeps_own_size(self) -> bool:
        sides = [side for size in self.sizes for side in size]
        return len(self.sizes) == 1 and all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides)


def decode(data: bytes, form: InputFormat) -> Pixels:
    """File bytes to uint8 [height, width, channels]. Raises one of Pillow's errors when the bytes are no image."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        image = ImageOps.exif_transpose(opened).convert(form.mode)
    if image.size != (form.width, form.height):
        image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8).reshape(form.shape)


def survey(samples: Sequence[TrainingSample]) -> Survey:
    """Read the header of every image."""
    sizes: set[tuple[int, int]] = set()
    grey = True
    for sample in samples:
        try:
            with Image.open(sample.path, formats=FORMATS) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION) in _TURNED
                grey = grey and image.mode in _GREY_MODES
        except _UNREADABLE as error:
            raise unreadable(sample, error) from error
        sizes.add((width, height) if turned else (height, width))
    return Survey(frozenset(sizes), grey)


def file_extension(path: Path) -> str:
    """`png`, `jpg`, …: after the content of the file, because a cache may name files by digest only."""
    with Image.open(path, formats=FORMATS) as image:
        name = str(image.format)
    return _EXTENSIONS.get(name, name.lower())


def unreadable(sample: TrainingSample, error: Exception) -> Invalid:
    return Invalid(
        f"Sample {sample.sample_id} ({sample.path.name}) cannot be read as an image: {error}. "
        "Upload the file again, or delete the sample.",
        sample_id=sample.sample_id,
    )


class ImageStore:
    """The decoded images of some samples, by position: `store[[3, 1]]` is uint8 [2, height, width, channels].

    Every file is read, checked against its sha256 and decoded once on construction, so a broken image stops a job
    before its first step and not in the middle of it. `check` is called now and then and may raise to stop.
    """

    def __init__(
        self,
        samples: Sequence[TrainingSample],
        form: InputFormat,
        *,
        keep_bytes: int = KEEP_DECODED_BYTES,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.samples = samples
        self.form = form
        shape = (len(samples), *form.shape)
        self._kept: Pixels | None = np.empty(shape, dtype=np.uint8) if np.prod(shape) <= keep_bytes else None
        self._sum = np.zeros(form.channels, dtype=np.float64)
        self._squares = np.zeros(form.channels, dtype=np.float64)
        for position, sample in enumerate(samples):
            if position % _CHECK_EVERY == 0:
                check()
            pixels = _load(sample, form, verify=True)
            self._count(pixels)
            if self._kept is not None:
                self._kept[position] = pixels

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, positions: Sequence[int]) -> Pixels:
        if self._kept is not None:
            return self._kept[list(positions)]
        return np.stack([_load(self.samples[position], self.form, verify=False) for position in positions])

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation per channel of the pixels scaled to 0…1; the deviation is at least 1/255."""
        pixels = max(1, len(self.samples) * self.form.height * self.form.width)
        mean = self._sum / pixels / 255
        variance = self._squares / pixels / 255**2 - mean**2
        deviation = np.sqrt(np.maximum(variance, 1 / 255**2))
        return [float(value) for value in mean], [float(value) for value in deviation]

    def _count(self, pixels: Pixels) -> None:
        # Whole numbers below 2**53 add up exactly in float64, so the order of the samples cannot matter.
        wide = pixels.astype(np.float64)
        self._sum += wide.sum(axis=(0, 1))
        self._squares += np.square(wide).sum(axis=(0, 1))


def _load(sample: TrainingSample, form: InputFormat, *, verify: bool) -> Pixels:
    try:
        data = sample.path.read_bytes()
        pixels = decode(data, form)
    except _UNREADABLE as error:
        raise unreadable(sample, error) from error
    if verify and hashlib.sha256(data).hexdigest() != sample.sha256:
        raise Invalid(
            f"Sample {sample.sample_id} is not the file that was labelled: its sha256 differs from the one recorded at "
            "upload. Restore the file in object storage, or delete the sample.",
            sample_id=sample.sample_id,
        )
    return pixels
