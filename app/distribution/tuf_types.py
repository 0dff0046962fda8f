"""The TUF document classes, in one place.

python-tuf and securesystemslib offer them without declaring them exported, which strict typing refuses; this module is
the one that says so.
"""

from securesystemslib.signer import Key, SSlibKey  # type: ignore[attr-defined, unused-ignore]
from tuf.api.metadata import (  # type: ignore[attr-defined, unused-ignore]
    Metadata,
    MetaFile,
    Role,
    Root,
    Signed,
    Snapshot,
    T,
    TargetFile,
    Targets,
    Timestamp,
)

__all__ = [
    "Key",
    "MetaFile",
    "Metadata",
    "Role",
    "Root",
    "SSlibKey",
    "Signed",
    "Snapshot",
    "T",
    "TargetFile",
    "Targets",
    "Timestamp",
]
