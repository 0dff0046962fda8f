"""Why an uploaded file does not become a sample, in one word each."""

from enum import StrEnum


class Fault(StrEnum):
    """Part of the public contract; the message beside it says more."""

    EMPTY = "empty"
    MISSING = "missing"
    ALTERED = "altered"
    TOO_LARGE = "too-large"
    TOO_MANY_PIXELS = "too-many-pixels"
    NOT_AN_IMAGE = "not-an-image"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    ANIMATED = "animated"
    UNSUPPORTED = "unsupported"
    DUPLICATE = "duplicate"
