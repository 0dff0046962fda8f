"""Where a video was taken, and the same video without it: its pictures and sound are copied, never encoded again.

Phones name the place in the file's metadata. Action cameras and drones write it every second, into tracks of data or
subtitles of their own; nothing tells such a track from a harmless one, so each counts as naming a place.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from app.errors import Invalid
from app.services.videos import VideoFacts, inspect_video, opened

_WORDS = ("location", "gps", "xyz", "geo")
_KEPT_TRACKS = ("video", "audio")


def without_place(path: Path, name: str, found: VideoFacts) -> tuple[Path, VideoFacts]:
    """The video at `path` (`found` is what it is) if it names no place, else a copy beside it that does not.

    Raises `Invalid` where a copy would lose more than the place.
    """
    with opened(path, name) as (container, _, suffix):
        if not _names_a_place(container):
            return path, found
        copied = path.with_name(f"{path.name}-without-place")
        _copy(container, copied, _muxer(container, suffix))
    kept = inspect_video(copied, name)
    if (kept.width, kept.height, kept.codec) != (found.width, found.height, found.codec):
        raise Invalid(
            f"{name}: where the video was taken cannot be removed from it. Remove it with another program, or let the "
            "dataset keep places."
        )
    return copied, replace(kept, original_sha256=found.sha256)


def _names_a_place(container: Any) -> bool:
    """True where metadata name a place, or there are tracks that may."""
    names = [*container.metadata, *(name for stream in container.streams for name in stream.metadata)]
    hidden = any(stream.type not in _KEPT_TRACKS and "timecode" not in stream.metadata for stream in container.streams)
    return hidden or any(word in name.lower() for name in names for word in _WORDS)


def _muxer(container: Any, suffix: str) -> str:
    """FFmpeg's name of the format to write: the one that was read."""
    if suffix == "mp4":
        return "mov" if container.metadata.get("major_brand", "").startswith("qt") else "mp4"
    return {"mkv": "matroska"}.get(suffix, suffix)


def _copy(source: Any, target: Path, muxer: str) -> None:
    """Write the pictures and the sound of an open container to `target`."""
    # Without FFmpeg's own name and version in it, the same file always gives the same bytes.
    with av.open(str(target), "w", format=muxer, options={"fflags": "+bitexact"}) as written:
        kept = [stream for stream in source.streams if stream.type in _KEPT_TRACKS]
        tracks = {stream.index: written.add_stream_from_template(stream) for stream in kept}
        if "creation_time" in source.metadata:
            written.metadata["creation_time"] = source.metadata["creation_time"]
        for packet in source.demux(kept):
            if packet.dts is not None:  # the last packet of a track only says that it is over
                packet.stream = tracks[packet.stream.index]
                written.mux(packet)
