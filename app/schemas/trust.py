"""The signed repository as callers send and see it."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from app.schemas.base import Request, View
from app.schemas.people import Email


class ApproverIn(Request):
    """Who holds which key."""

    keyid: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    email: Email


class RootPublish(Request):
    """A new version of the root metadata, signed on the machine of whoever holds the root key."""

    metadata: Annotated[str, StringConstraints(max_length=200_000)]
    approvers: list[ApproverIn] = Field(min_length=1, max_length=50)


class RootView(View):
    """The root of trust in force."""

    version: int
    sha256: str
    metadata: str


class ApproverView(View):
    """An approver in force. Who holds the key is told to those who may see people; others check signatures by keyid."""

    keyid: str
    user_id: int | None
    email: str | None
    name: str | None


class TrustView(View):
    """Everything public about who is trusted to sign what."""

    online_keyid: str
    online_public_key: dict[str, Any]
    root: RootView | None
    approvers: list[ApproverView]
    targets_version: int
