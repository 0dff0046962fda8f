"""Tiny videos, made as a test needs them."""

import struct
from pathlib import Path

import av
import numpy as np

# `tkhd` holds a track's matrix in 16.16 and 2.30 fixed point. This one turns by 90 degrees, as phones do it.
_UPRIGHT = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ON_ITS_SIDE = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


def on_its_side(mp4: bytes) -> bytes:
    """The same video, to be shown turned by a quarter."""
    start = mp4.index(_UPRIGHT, mp4.index(b"tkhd"))
    return mp4[:start] + _ON_ITS_SIDE + mp4[start + len(_UPRIGHT) :]


def make_video(
    path: Path,
    *,
    seconds: int = 4,
    per_second: int = 10,
    codec: str = "mpeg4",
    side: int = 64,
    height: int | None = None,
    **metadata: str,
) -> bytes:
    """A video whose colour changes with every second; the kind is that of the path's suffix."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata)
        stream = container.add_stream(codec, rate=per_second)
        stream.width, stream.height = side, height or side
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * per_second):
            picture = np.zeros((height or side, side, 3), np.uint8)
            picture[..., number // per_second % 3] = 200
            picture[: side // 4, : side // 4] = number * 5 % 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()
