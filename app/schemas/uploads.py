"""Uploads as callers ask for them and complete them."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from app.domain.file_faults import Fault
from app.schemas.base import UUID, Request, View

BATCH = 500
# A file from this size on is put in parts, and up to this one there are any.
MULTIPART_FROM = 64 * 2**20
MAX_UPLOAD_BYTES = 20 * 2**30
MAX_PARTS = 1_000
# An upload that holds several files is read whole, and so must fit into memory.
MAX_PACK_BYTES = 16 * 2**20
UploadKey = Annotated[str, StringConstraints(pattern=r"^uploads/[0-9a-f-]{36}/[0-9a-f-]{36}/[0-9]{1,3}$")]
MultipartId = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class UploadRequest(Request):
    """Ask for `count` places to put files; each gets a signed URL that expires. With `size`, the one place is for a
    file of so many bytes; a large one is put in parts."""

    count: int = Field(1, ge=1, le=BATCH)
    size: int | None = Field(None, ge=1, le=MAX_UPLOAD_BYTES, description="Bytes of the one file")

    @model_validator(mode="after")
    def _one_file(self) -> "UploadRequest":
        if self.size is not None and self.count != 1:
            raise ValueError("size is that of one file: ask for count 1")
        return self


class UploadPart(View):
    """PUT bytes `first` … `first + size - 1` of the file to `url`, and keep the answer's ETag."""

    number: int
    first: int
    size: int
    url: str


class UploadSlot(View):
    """PUT the file's bytes to `url`, then register `upload_key` as a sample.

    A large file has no `url` but `parts`; put them all, then complete the upload with `multipart_id`.
    """

    upload_key: str
    url: str | None
    expires_in_seconds: int
    multipart_id: str | None = None
    parts: list[UploadPart] = Field(default_factory=list)


class PackedFile(Request):
    """A file that lies among others in one upload: bytes `first` … `first + size - 1`.

    An upload that holds several files has at most 16 MiB, and is registered whole in one request.
    """

    first: int = Field(ge=0, lt=MAX_PACK_BYTES)
    size: int = Field(ge=0, le=MAX_PACK_BYTES)


class UploadSlots(View):
    """The answer to an `UploadRequest`."""

    slots: list[UploadSlot]


class PutPart(Request):
    """A part that was put, with the ETag that the store answered."""

    number: int = Field(ge=1, le=MAX_PARTS)
    etag: str = Field(min_length=1, max_length=200)


class UploadCompletion(Request):
    """All parts are there: make them one file."""

    upload_key: UploadKey
    multipart_id: MultipartId
    parts: list[PutPart] = Field(min_length=1, max_length=MAX_PARTS)


class UploadCompleted(View):
    """The file that the parts became."""

    upload_key: str
    size: int


class SkippedUpload(View):
    """An upload that became no sample: why, in one word and in a sentence.

    `first` is where the file begins in an upload that holds several. `sample_id` is the sample that has the same
    content, for a duplicate of one.
    """

    upload_key: str
    first: int | None = None
    code: Fault
    message: str
    sample_id: UUID | None = None
