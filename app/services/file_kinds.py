"""What a file is that is no readable image, in words for whoever sent it. By its first bytes; never by its name."""

from dataclasses import dataclass

_ENCRYPTED_ZIP_FLAG = 0x1


@dataclass(frozen=True)
class Kind:
    """`name` reads on as "a PDF document"; `advice` is a sentence with a blank behind it, or nothing."""

    name: str
    advice: str = ""
    encrypted: bool = False


_UNKNOWN = Kind("a file of an unknown type")
_PASSWORD = "Remove the password and save what is inside as images. "  # noqa: S105 a sentence
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"Rar!", Kind("a RAR archive", "Unpack it first. ")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", "Unpack it first. ")),
    (b"\x1f\x8b", Kind("a gzip archive", "Unpack it first. ")),
    (b"Salted__", Kind("a file encrypted by OpenSSL", _PASSWORD, encrypted=True)),
    (b"age-encryption.org/", Kind("a file encrypted by age", _PASSWORD, encrypted=True)),
    (b"-----BEGIN PGP MESSAGE", Kind("a file encrypted by PGP", _PASSWORD, encrypted=True)),
    (b"\x1a\x45\xdf\xa3", Kind("a Matroska or WebM video", "Register it as a video. ")),
    (b"8BPS", Kind("a Photoshop document", "Export it as PNG or JPEG. ")),
    (b"II*\x00", Kind("a TIFF or camera raw file of a kind that is not supported", "Export it as PNG or JPEG. ")),
    (b"MM\x00*", Kind("a TIFF or camera raw file of a kind that is not supported", "Export it as PNG or JPEG. ")),
    (b"\x89PNG", Kind("a PNG file whose beginning is damaged")),
    (b"\xff\xd8", Kind("a JPEG file whose beginning is damaged")),
    (b"GIF8", Kind("a GIF file whose beginning is damaged")),
)


def kind_of(data: bytes) -> Kind:
    """What `data` looks like."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    for look in (_pdf, _zip, _office, _riff, _iso_media, _text):
        if (found := look(data)) is not None:
            return found
    return _UNKNOWN


def _pdf(data: bytes) -> Kind | None:
    if not data.startswith(b"%PDF-"):
        return None
    if b"/Encrypt" in data:
        return Kind("a PDF document with a password", _PASSWORD, encrypted=True)
    return Kind("a PDF document", "Save its pages as images. ")


def _zip(data: bytes) -> Kind | None:
    if not data.startswith(b"PK\x03\x04"):
        return None
    if len(data) > 6 and data[6] & _ENCRYPTED_ZIP_FLAG:
        return Kind("a ZIP archive with a password", _PASSWORD, encrypted=True)
    return Kind("a ZIP archive", "Unpack it first, or import it as an archive. ")


def _office(data: bytes) -> Kind | None:
    if not data.startswith(b"\xd0\xcf\x11\xe0"):
        return None
    encrypted = "EncryptedPackage".encode("utf-16-le") in data
    return Kind("an Office document" + (" with a password" if encrypted else ""), encrypted=encrypted)


def _riff(data: bytes) -> Kind | None:
    if not data.startswith(b"RIFF"):
        return None
    return Kind("an AVI video", "Register it as a video. ") if data[8:12] == b"AVI " else Kind("a damaged WebP file")


def _iso_media(data: bytes) -> Kind | None:
    if data[4:8] != b"ftyp":
        return None
    if data[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}:
        return Kind("a HEIC or AVIF image", "Export it as JPEG (on an iPhone: Settings, Camera, Most Compatible). ")
    return Kind("an MP4 or QuickTime video", "Register it as a video. ")


def _text(data: bytes) -> Kind | None:
    beginning = data[:512].lstrip()
    if beginning.startswith((b"<svg", b"<?xml", b"<!DOCTYPE", b"<html")):
        return Kind("an SVG, XML or HTML text", "Export drawings as PNG. ")
    try:
        data[:512].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data[:512]) - 4:
            return None
    return Kind("a text file")
