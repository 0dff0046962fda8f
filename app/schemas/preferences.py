"""What a person set for themselves."""

import json
from typing import Any

from pydantic import Field, field_validator

from app.schemas.base import Request, View, datetime

MAX_BYTES = 8 * 1024


class PreferenceSet(Request):
    """The value that replaces the present one. An empty object means: as it comes."""

    value: dict[str, Any] = Field(description=f"A JSON object of at most {MAX_BYTES} bytes")

    @field_validator("value")
    @classmethod
    def _small(cls, value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value).encode()) > MAX_BYTES:
            raise ValueError(f"a preference may have at most {MAX_BYTES} bytes of JSON")
        return value


class PreferenceView(View):
    """A preference; `updated_at` is null where it was never set."""

    name: str
    value: dict[str, Any]
    updated_at: datetime | None
