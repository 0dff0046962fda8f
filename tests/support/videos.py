"""Tiny videos, made as a test needs them."""

from pathlib import Path

import av
import numpy as np


def make_video(path: Path, *, seconds: int = 4, per_second: int = 10, codec: str = "mpeg4", side: int = 64) -> bytes:
    """A video whose colour changes with every second; the kind is that of the path's suffix."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=per_second)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        for number in range(seconds * per_second):
            picture = np.zeros((side, side, 3), np.uint8)
            picture[..., number // per_second % 3] = 200
            picture[: side // 4, : side // 4] = number * 5 % 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()
