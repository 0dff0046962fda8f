"""Every status the product knows has a badge of its own, told by word and glyph and not by colour alone."""

from enum import StrEnum

import pytest
import reflex as rx

from app.domain import machines
from app.domain.edge_health import EdgeHealth
from components.theme import STATUSES, Kind, chip, status_badge

KNOWN: dict[Kind, type[StrEnum]] = {
    "job": machines.JobStatus,
    "model_version": machines.ModelVersionStatus,
    "deployment": machines.DeploymentStatus,
    "dataset": machines.DatasetStatus,
    "sample": machines.SampleStatus,
    "edge": EdgeHealth,
}


@pytest.mark.parametrize("kind", KNOWN)
def test_every_status_of_the_domain_has_a_look(kind: Kind) -> None:
    assert {status.value for status in KNOWN[kind]} == set(STATUSES[kind])


def test_every_environment_has_a_look() -> None:
    assert set(STATUSES["environment"]) == {"dev", "staging", "production"}


@pytest.mark.parametrize("kind", STATUSES)
def test_statuses_of_one_kind_differ_in_word_and_in_glyph(kind: Kind) -> None:
    looks = STATUSES[kind].values()
    assert len({look.label for look in looks}) == len(looks)
    assert len({look.icon for look in looks}) == len(looks)


def test_a_badge_shows_word_glyph_and_status() -> None:
    drawn = str(status_badge("job", "failed"))
    assert '"Failed"' in drawn
    assert "LucideCircleX" in drawn
    assert '"failed"' in drawn


def test_a_status_nobody_knows_is_shown_as_it_is() -> None:
    assert '"thawing"' in str(status_badge("job", "thawing"))


def test_a_var_is_matched_against_all_statuses() -> None:
    drawn = str(status_badge("deployment", rx.Var("row.status").to(str)))
    for status, look in STATUSES["deployment"].items():
        assert f'"{status}"' in drawn
        assert f'"{look.label}"' in drawn


def test_a_chip_carries_its_text() -> None:
    assert '"meter_digits"' in str(chip("meter_digits", icon="tag"))
