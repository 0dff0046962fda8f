"""Filters of samples between an address, a form and words. The names are those of the API (`SampleFilter`)."""

from collections.abc import Mapping
from typing import TypedDict

from app.schemas.samples import SampleFilter
from state.views.words import Option

NAMES = tuple(SampleFilter.model_fields)
NEWEST = "-created_at"
# A form asks for a day; the API for a moment.
_DAYS = ("captured_since", "captured_until", "created_since", "created_until")
_WORDS = {
    "status": "status {}",
    "label": "class {}",
    "labeled_by": "labelled by {}",
    "verified_by": "reviewed by {}",
    "reviewed": {"true": "reviewed", "false": "not reviewed"},
    "file_type": {"image": "images", "video": "videos"},
    "size_min": "at least {} bytes",
    "size_max": "at most {} bytes",
    "captured_since": "captured from {}",
    "captured_until": "captured before {}",
    "created_since": "added from {}",
    "created_until": "added before {}",
    "source_camera_id": "camera {}",
    "quality_min": "quality from {}",
    "quality_max": "quality up to {}",
    "near_duplicates": {"true": "near-duplicates", "false": "no near-duplicates"},
    "near_group": "like each other",
    "video_id": "frames of a video",
    "withdrawn": {"true": "withdrawn", "false": "not withdrawn"},
    "split": "imported as {}",
    "metadata": "{}",
    "q": "file name {}",
}


class Chip(TypedDict):
    """A filter that is set."""

    name: str
    text: str


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    """The filters and the order in an address; what means nothing there is left out."""
    found = {name: str(query[name]).strip() for name in NAMES if query.get(name, "").strip()}
    if found.get("sort") == NEWEST:
        del found["sort"]
    return found


def from_form(form: Mapping[str, object]) -> dict[str, str]:
    """What a form says, as it stands in an address: days become moments, in UTC."""
    values = {name: str(form.get(name, "") or "").strip() for name in NAMES if name in form}
    return {
        name: f"{value}T00:00:00Z" if value and name in _DAYS and "T" not in value else value
        for name, value in values.items()
    }


def chips(filters: Mapping[str, str], people: list[Option]) -> list[Chip]:
    """The filters that are set, in words."""
    called = {person["value"]: person["label"] for person in people}
    return [{"name": name, "text": _in_words(name, value, called)} for name, value in filters.items() if name in _WORDS]


def _in_words(name: str, value: str, people: Mapping[str, str]) -> str:
    words = _WORDS[name]
    if isinstance(words, dict):
        return words.get(value, f"{name} {value}")
    if name in ("labeled_by", "verified_by"):
        value = people.get(value, f"person {value}")
    return words.format(value.removesuffix("T00:00:00Z"))


def shown_in_form(filters: Mapping[str, str]) -> dict[str, str]:
    """A value for each field of the form."""
    return {name: filters.get(name, "").removesuffix("T00:00:00Z") for name in NAMES}
