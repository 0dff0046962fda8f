"""Documents with two meanings, or with none that is bearable, are refused by the reader itself."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.distribution import strict_json
from app.errors import Invalid

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested"),
        (b'{"a": 1.5}', "whole number"),
        (b'{"a": 1e400}', "whole number"),
        (b'{"a": NaN}', "whole number"),
        (b'{"a": -Infinity}', "whole number"),
        (b'{"a": 9007199254740993}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": "\xff"}', "not acceptable"),
        (b'{"a": "\\ud800"}', "not acceptable"),
        (b'{"a": "\n"}', "not acceptable"),
        (b"[1]", "JSON object"),
        (b"", "not acceptable"),
        (b'{"a": 1} x', "not acceptable"),
        (b'{"a": "' + b"x" * 1_000_000 + b'"}', "at most"),
    ],
)
def test_bad_document_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        strict_json.parse(data, limit=500_000, what="The document")


def test_brackets_inside_strings_are_not_depth() -> None:
    text = '[{"' * 50
    assert strict_json.parse(json.dumps({"a": text}).encode(), limit=1000, what="x") == {"a": text}


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=4))
def test_ordinary_documents_are_read_as_they_are(value: dict[str, object]) -> None:
    data = json.dumps(value).encode()
    assert strict_json.parse(data, limit=10**6, what="x") == value


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(strict_json.parse(data, limit=10**6, what="x"), dict)


def test_only_the_canonical_form_counts_as_canonical() -> None:
    assert strict_json.parse_canonical(b'{"a":1,"b":"x"}', limit=99, what="x") == {"a": 1, "b": "x"}
    for data in (b'{"b":"x","a":1}', b'{"a": 1,"b":"x"}', b'{"a":1,"b":"\\u0078"}', b'{"a":1,"b":"x"}\n'):
        with pytest.raises(Invalid, match="canonical"):
            strict_json.parse_canonical(data, limit=99, what="x")
