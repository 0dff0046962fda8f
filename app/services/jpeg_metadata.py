"""Taking metadata out of a JPEG without touching its picture: only segments before the scan are read (ITU T.81, B).

EXIF stands in an APP1 segment that begins with `Exif`, XMP in one that begins with its namespace; a long XMP goes on in
further segments.
"""

from collections.abc import Iterator

_APP1, _SCAN = 0xE1, 0xDA
_EXIF = b"Exif\0\0"
_XMP = (b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
_LONGEST = 65_533


def without_location(data: bytes, exif: bytes) -> bytes:
    """`data` with `exif` (may be empty) instead of its EXIF, and without XMP if that says where it was taken."""
    if exif and not exif.startswith(_EXIF):
        exif = _EXIF + exif
    segments = list(_segments(data))
    located = any(marker == _APP1 and body.startswith(_XMP) and b"GPS" in body for marker, body, _ in segments)
    kept = bytearray(data[:2])
    if exif and len(exif) <= _LONGEST:
        kept += _segment(_APP1, exif)
    for marker, body, _ in segments:
        is_exif = marker == _APP1 and body.startswith(_EXIF)
        is_xmp = marker == _APP1 and body.startswith(_XMP)
        if not is_exif and not (is_xmp and located):
            kept += _segment(marker, body)
    return bytes(kept) + data[segments[-1][2] if segments else 2 :]


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, body and end of each segment before the scan. Raises `ValueError` on what is no JPEG."""
    place = 2
    while True:
        while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] == b"\xff":
            place += 1  # fill bytes
        if place + 4 > len(data) or data[place] != 0xFF:
            raise ValueError("a JPEG segment is missing")
        marker = data[place + 1]
        if marker == _SCAN:
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        place += 2 + length
        yield marker, data[place - length + 2 : place], place


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
