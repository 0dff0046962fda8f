"""Semantic versions: what is one, how they are ordered (semver.org §11), and which one a new model gets."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.semver import Version, next_version
from app.errors import Invalid

numbers = st.integers(0, 999_999_999)
identifiers = st.text("019aZ-", min_size=1, max_size=4).filter(lambda t: not re.fullmatch("0[0-9]+", t))
pre_releases = st.one_of(st.just(""), st.lists(identifiers, min_size=1, max_size=3).map(".".join))
versions = st.builds(Version, numbers, numbers, numbers, pre_releases)


@given(versions)
def test_what_is_written_is_read_back(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_order_is_total_and_agrees_with_equality(a: Version, b: Version) -> None:
    assert [a < b, a == b, a > b].count(True) == 1


@given(versions, versions, versions)
def test_order_is_transitive(a: Version, b: Version, c: Version) -> None:
    low, middle, high = sorted([a, b, c])
    assert low <= middle <= high
    assert low <= high


@given(versions)
def test_pre_release_comes_before_its_release(version: Version) -> None:
    release = Version(version.major, version.minor, version.patch)
    assert version == release if not version.pre else version < release


def test_the_example_of_the_specification_is_in_order() -> None:
    names = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]
    assert [str(v) for v in sorted(map(Version.parse, reversed(names)))] == names


def test_numbers_are_compared_as_numbers() -> None:
    assert Version.parse("1.10.0") > Version.parse("1.9.9")
    assert Version.parse("10.0.0") > Version.parse("9.99.99")


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.02.3", "1.2.3-", "1.2.3-01", "1.2.3+build", "1.2.3-a..b",
     " 1.2.3", "1.2.3\n", "1.2.-3", "1.2.3-é", "١.٢.٣", "1٢.0.0", "1234567890.0.0"],
)  # fmt: skip
def test_what_is_no_version_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match="not a semantic version"):
        Version.parse(text)


@given(st.text(max_size=20))
def test_any_text_is_a_version_or_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    ("existing", "base", "expected"),
    [
        ([], None, "1.0.0"),
        ([], "3.1.0", "1.0.0"),
        (["1.0.0"], None, "2.0.0"),
        (["1.0.0"], "1.0.0", "1.1.0"),
        (["1.0.0", "1.1.0", "2.0.0"], "1.0.0", "1.2.0"),
        (["1.0.0", "1.1.0", "2.0.0"], "2.0.0", "2.1.0"),
        (["1.9.0", "1.10.0"], "1.9.0", "1.11.0"),
        (["2.3.4"], None, "3.0.0"),
        (["2.0.0-rc.1"], None, "3.0.0"),
        (["2.0.0"], "1.4.0", "1.0.0"),
    ],
)
def test_next_version(existing: list[str], base: str | None, expected: str) -> None:
    assert str(next_version(existing, base)) == expected


@given(st.lists(versions, min_size=1, max_size=8), st.data())
def test_next_version_is_new_and_above_its_base(existing: list[Version], data: st.DataObject) -> None:
    base = data.draw(st.one_of(st.none(), st.sampled_from(existing)))
    made = next_version(map(str, existing), str(base) if base else None)
    assert made not in existing
    assert made > (base or max(existing))
