"""What a video file really is, and the pictures in it. Reads a local file with FFmpeg (PyAV); no SQL, no store here.

Rules: the kind is told by the first bytes and the demuxer is chosen by it, so that a playlist or a script that calls
itself a video is never followed to other files or addresses. What the header claims is checked before anything is
decoded; then the first picture and one near the end are, so that a file cut short is told when it arrives.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from app.errors import Invalid
from app.services.previews import encode

MAX_VIDEO_BYTES = 2 * 2**30
MAX_DURATION_MS = 4 * 3600 * 1000
MAX_PICTURE_PIXELS = 8192 * 4320
# Pictures of a scene change are compared as grey ones of so many pixels a side, and not more often than this.
SCENE_SIDE, SCENE_GAP_MS = 32, 200
# The last decodable picture may lie so far before the end that the header names.
MISSING_MS, MISSING_SHARE = 2_000, 0.1
CONTENT_TYPES = {"mp4": "video/mp4", "mkv": "video/x-matroska", "webm": "video/webm", "avi": "video/x-msvideo"}


@dataclass(frozen=True)
class VideoFacts:
    """What a video says of itself and what was found true; `width` and `height` as it is shown, upright.

    `original_sha256` is the digest of what arrived, where a copy without the place is kept.
    """

    suffix: str
    sha256: str
    size: int
    width: int
    height: int
    duration_ms: int
    frames_per_second: float
    codec: str
    recorded_at: datetime | None
    original_sha256: str | None = None

    def facts(self) -> dict[str, str | float]:
        """What the sample's metadata keep of it; where the file was changed, how, and the digest of what arrived."""
        known: dict[str, str | float] = {"codec": self.codec, "frames_per_second": self.frames_per_second}
        if self.original_sha256 is not None:
            known |= {"original_sha256": self.original_sha256, "changes": "location removed"}
        return known


def inspect_video(path: Path, name: str) -> VideoFacts:
    """Check a video and decode parts of it. Raises `Invalid` that names it by `name` and says what is wrong."""
    size = path.stat().st_size
    if size == 0:
        raise Invalid(f"{name}: the file is empty (0 bytes).")
    if size > MAX_VIDEO_BYTES:
        raise Invalid(f"{name}: {size:,} bytes are more than the {MAX_VIDEO_BYTES:,} allowed for a video. Cut it.")
    with opened(path, name) as (container, stream, suffix):
        duration = _duration_ms(container, stream)
        _check_claims(name, stream, duration)
        first = next(container.decode(stream), None)
        if first is None:
            raise Invalid(f"{name}: no picture can be decoded; the video is damaged.")
        shown = _upright(first)
        if duration is None:
            duration = _last_ms(container, stream, 0)
        elif duration > MISSING_MS:
            _check_end(name, container, stream, duration)
        return VideoFacts(
            suffix,
            _digest(path),
            size,
            shown.width,
            shown.height,
            duration,
            round(float(stream.average_rate or 0), 3),
            str(stream.codec_context.name),
            _recorded_at(container),
        )


def preview(path: Path, name: str) -> bytes:
    """A picture from the first tenth of a video, as WebP of the size of a thumbnail."""
    with opened(path, name) as (container, stream, _):
        duration = _duration_ms(container, stream) or 0
        wanted = duration // 10
        _seek(container, stream, wanted)
        for frame in container.decode(stream):
            if frame.time is None or frame.time * 1000 >= wanted:
                return encode(_upright(frame))
    raise Invalid(f"{name}: no picture can be decoded.")


def pictures(
    path: Path, name: str, *, every_ms: int | None = None, scene_change: float | None = None, limit: int
) -> Iterator[tuple[int, Image.Image]]:
    """Pictures of a video with their time in ms: one per `every_ms`, or the first and each whose grey levels differ
    from the last one taken by `scene_change` (0 … 1, the mean difference) or more. At most `limit`.

    The same file and wishes give the same pictures. One picture is in memory at a time.
    """
    taken, due, last = 0, 0, None
    with opened(path, name) as (container, stream, _):
        for frame in container.decode(stream):
            if taken >= limit:
                return
            at = max(0, round((frame.time or 0) * 1000))
            if at < due:
                continue
            if scene_change is not None:
                small = _grey(frame)
                if last is not None and float(np.abs(small - last).mean()) < scene_change:
                    continue
                last, due = small, at + SCENE_GAP_MS
            elif every_ms is not None:
                due = (at // every_ms + 1) * every_ms
            taken += 1
            yield at, _upright(frame)


@contextmanager
def opened(path: Path, name: str) -> Iterator[tuple[Any, Any, str]]:
    """The container, its picture stream and the suffix of its kind; FFmpeg's faults become `Invalid`."""
    kind, suffix = _kind(path, name)
    try:
        options = {"protocol_whitelist": "file"}
        with av.open(str(path), format=kind, options=options, metadata_errors="replace") as found:
            if not found.streams.video:
                raise Invalid(f"{name}: there are no pictures in it.")
            stream = found.streams.video[0]
            yield found, stream, suffix
    except (av.error.FFmpegError, OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or type(error).__name__
        raise Invalid(
            f"{name}: the video is damaged, cut short or of a kind that is not supported ({what})."
        ) from error


def _kind(path: Path, name: str) -> tuple[str, str]:
    """FFmpeg's name of the format and ours, by the first bytes."""
    with path.open("rb") as file:
        beginning = file.read(64)
    if beginning[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "mov", "mp4"
    if beginning.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska", "webm" if b"webm" in beginning else "mkv"
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"AVI ":
        return "avi", "avi"
    raise Invalid(f"{name}: not a video that can be read. Allowed: MP4, QuickTime, Matroska, WebM, AVI.")


def _check_claims(name: str, stream: Any, duration: int | None) -> None:
    context = stream.codec_context
    if context.width * context.height > MAX_PICTURE_PIXELS or not context.width * context.height:
        raise Invalid(f"{name}: {context.width}×{context.height} pixels; up to {MAX_PICTURE_PIXELS:,} are allowed.")
    if duration is not None and duration > MAX_DURATION_MS:
        raise Invalid(
            f"{name}: {duration / 3_600_000:.1f} hours are more than the {MAX_DURATION_MS // 3_600_000} allowed. "
            "Cut it into parts."
        )


def _check_end(name: str, container: Any, stream: Any, duration: int) -> None:
    """One picture near the end: the header of a file that was cut short still names the whole duration."""
    room = max(MISSING_MS, duration * MISSING_SHARE)
    last = _last_ms(container, stream, int(duration - room))
    if last < duration - room:
        raise Invalid(
            f"{name}: the video is cut short: it says it lasts {duration / 1000:.1f} s, and its pictures end after "
            f"{last / 1000:.1f} s. Upload it again."
        )


def _last_ms(container: Any, stream: Any, start: int) -> int:
    _seek(container, stream, start)
    last = 0
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                last = max(last, round((frame.time or 0) * 1000))
        except av.error.InvalidDataError:
            break
    return last


def _seek(container: Any, stream: Any, ms: int) -> None:
    container.seek(int(ms / 1000 / stream.time_base), stream=stream, backward=True)


def _duration_ms(container: Any, stream: Any) -> int | None:
    if stream.duration is not None:
        return round(float(stream.duration * stream.time_base) * 1000)
    return None if container.duration is None else round(container.duration / 1000)


def _upright(frame: Any) -> Image.Image:
    """The picture as players show it: phones store it on its side and say so."""
    image: Image.Image = frame.to_image()
    turned = int(getattr(frame, "rotation", 0) or 0) % 360
    return image.rotate(turned, expand=True) if turned else image


def _grey(frame: Any) -> Any:
    return frame.reformat(SCENE_SIDE, SCENE_SIDE, format="gray").to_ndarray().astype(np.float32) / 255


def _recorded_at(container: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(container.metadata.get("creation_time", "")))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Cameras whose clock was never set say the beginning of their calendar.
    return moment if moment.year > 1990 else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
