"""Sign-ins and the own password, as callers send and see them."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from app.schemas.base import UUID, Request, View, datetime
from app.schemas.people import Password


class SessionView(View):
    """One of the caller's own sign-ins."""

    id: UUID
    method: Literal["password", "oidc"]
    device: str = Field(description="What the browser said about itself, in plain words", examples=["Firefox on Linux"])
    ip_address: str
    created_at: datetime
    last_used_at: datetime = Field(description="Written at most once a minute")
    expires_at: datetime = Field(description="Moves with every use, up to 90 days after the sign-in")
    revoked_at: datetime | None
    current: bool = Field(description="Whether this request came with it")


class SignOutEverywhere(Request):
    """What shall end besides every session."""

    api_tokens: bool = Field(False, description="Also revoke all own API tokens")


class SignedOut(View):
    """How much has ended."""

    sessions: int
    api_tokens: int


class PasswordChange(Request):
    """The present password, and the one that follows it."""

    current_password: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    new_password: Password
