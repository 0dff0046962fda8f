"""/datasets/[id]/opinions: asking several people, deciding side by side with a reason, undoing, and staying blind."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.domain.permissions import Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import TrainingDataset, TrainingSample
from tests.browser.web_process import Web
from tests.support import people
from tests.support.images import png
from tests.support.opinions import box, look, say
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_unlabelled

SignIn = Callable[[Person], None]
BOXES = {"task": "detection", "classes": [{"name": "RBC"}, {"name": "WBC"}]}


@pytest.fixture(scope="module")
def team(web: Web) -> list[Person]:
    return [people.make_person(f"{name} Admin", Role.SUPER_ADMIN) for name in ("Ada", "Bob", "Cyd", "Dee")]


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person) -> None:
        body = {"email": person.email, "password": PASSWORD}
        assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok

    return sign_in


def boxes_of(team: list[Person], **columns: Any) -> tuple[TrainingDataset, UUID]:
    """A dataset of one picture with boxes to draw, 100 × 80 pixels."""
    dataset = make_dataset(team[0], **{"opinions_per_sample": 3, **columns})
    (sample,) = make_unlabelled(dataset, 1)
    store = get_object_store()
    store.put_bytes(f"datasets/{dataset.id}/one.png", png(150, (100, 80)), "image/png")
    with transaction() as session:
        session.get_one(TrainingDataset, dataset.id).label_schema = BOXES
        session.get_one(TrainingSample, sample).file_url = store.url(f"datasets/{dataset.id}/one.png")
    return dataset, sample


def differ(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    """Two draw a red and a white cell, the third misses the white one."""
    red, white = box("RBC", 10, 10, 30, 30), box("WBC", 60, 40, 30, 30, key="b2")
    for person, drawn in zip(team, ([red, white], [red, white], [red]), strict=False):
        say(dataset, sample, person, drawn)


def test_disagreement_is_decided_side_by_side_and_undone(
    page: Page, web_url: str, as_person: SignIn, team: list[Person]
) -> None:
    dataset, sample = boxes_of(team)
    differ(dataset, sample, team)
    as_person(team[3])
    page.goto(f"{web_url}/datasets/{dataset.id}/opinions")
    page.get_by_test_id("disagreement").click()
    panels = page.get_by_test_id("opinion")
    expect(panels).to_have_count(4)
    expect(page.locator("[data-key='proposal'] [data-testid='board-box']")).to_have_count(2)
    missed = page.locator(f"[data-key='{team[2].id}'] [data-look='missing']")
    expect(missed).to_have_text("no WBC")
    expect(page.get_by_test_id("differences")).to_contain_text("not by Cyd Admin")
    page.locator(f"[data-key='{team[2].id}']").get_by_test_id("take").click()
    page.get_by_role("textbox", name="Reason").fill("It is an artefact.")
    page.get_by_test_id("form-submit").click()
    decided = page.get_by_test_id("decision")
    expect(decided).to_contain_text("It is an artefact.")
    assert look(dataset, sample, team[3]).decisions[0].sources == [team[2].id]
    decided.get_by_test_id("undo").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("disagreement")).to_have_count(1)
    assert look(dataset, sample, team[3]).state == "disputed"


def test_annotator_is_offered_only_what_others_said(
    page: Page, web_url: str, as_person: SignIn, team: list[Person]
) -> None:
    dataset, sample = boxes_of(team)
    differ(dataset, sample, team)
    as_person(team[0])
    page.goto(f"{web_url}/datasets/{dataset.id}/opinions?sample={sample}")
    expect(page.get_by_test_id("opinion")).to_have_count(4)
    expect(page.get_by_test_id("take")).to_have_count(2)
    expect(page.locator("[data-key='proposal']").get_by_test_id("take")).to_have_count(0)


def test_page_shows_nobody_elses_opinion_while_a_sample_collects(
    page: Page, web_url: str, as_person: SignIn, team: list[Person]
) -> None:
    dataset, sample = boxes_of(team)
    say(dataset, sample, team[0], [box("RBC", 10, 10, 30, 30, key="only-ada-knows")])
    as_person(team[1])
    page.goto(f"{web_url}/datasets/{dataset.id}/opinions?sample={sample}")
    expect(page.get_by_text("You see only your own opinion until all are in")).to_be_visible()
    expect(page.get_by_text("1 of 3 opinions")).to_be_visible()
    expect(page.get_by_test_id("opinion")).to_have_count(0)


def test_settings_ask_for_more_people_and_say_what_cannot_be(
    page: Page, web_url: str, as_person: SignIn, team: list[Person]
) -> None:
    dataset, _ = boxes_of(team, opinions_per_sample=1)
    as_person(team[0])
    page.goto(f"{web_url}/datasets/{dataset.id}/opinions")
    expect(page.get_by_text("One person labels each sample")).to_be_visible()
    page.get_by_test_id("opinion-settings").click()
    page.locator("input[name='opinions_per_sample']").fill("2")
    page.locator("input[name='consensus_quorum']").fill("3")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("form-dialog")).to_contain_text("cannot agree")
    page.locator("input[name='consensus_quorum']").fill("")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("form-dialog")).to_have_count(0)
    expect(page.get_by_text("100 % of the samples take 2 opinions")).to_be_visible()
    expect(page.get_by_text("0 of 2", exact=True)).to_be_visible()
