"""Versions in the dashboard: committed after a look at what would come, compared, restored; a sample withdrawn."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from app.domain.machines import JobStatus
from app.infra.db import transaction
from app.tables import TrainingDataset, TrainingSample
from tests.browser.web_process import Web
from tests.support.images import add_samples, png
from tests.support.people import PASSWORD, Person, make_token
from tests.support.records import make_job, make_version

API = "/api/v1/training/datasets"
SCHEMA = {"task": "detection", "classes": [{"name": "cell", "color": "#e5484d"}, {"name": "dust", "color": "#3e63dd"}]}


@pytest.fixture
def client(web: Web, ada: Person) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {make_token(ada)}"}
    with httpx.Client(base_url=web.url, headers=headers, trust_env=False, timeout=30) as opened:
        yield opened


def box(name: str, x: int) -> dict[str, Any]:
    return {"id": name, "class": "cell", "box": [x, 10, 12, 12], "attributes": {}}


@pytest.fixture
def dataset(client: httpx.Client, ada: Person) -> tuple[str, list[str]]:
    """A dataset of eight pictures with a box each, all verified."""
    body = {"name": f"Cells {uuid4().hex[:8]}", "ai_module": "cells", "label_schema": SCHEMA}
    made = client.post(API, json=body)
    assert made.status_code == 201, made.text
    dataset_id = made.json()["id"]
    files = [png(number, (64, 48)) for number in range(8)]
    ids = [item["id"] for item in add_samples(client, dataset_id, files)]  # type: ignore[arg-type]
    for sample_id in ids:
        answer = client.put(
            f"{API}/{dataset_id}/samples/{sample_id}", json={"labels": {}, "annotations": [box("b1", 5)]}
        )
        assert answer.status_code == 200, answer.text
    with transaction() as session:
        for sample_id in ids:
            row = session.get_one(TrainingSample, sample_id)
            row.is_verified, row.verified_by = True, ada.id
        session.get_one(TrainingDataset, UUID(dataset_id)).verified_count = len(ids)
    return dataset_id, ids


def sign_in(page: Page, web: Web, person: Person) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert page.context.request.post(f"{web.url}/api/v1/auth/sign-in", data=body).ok


def line(page: Page, version: str) -> Locator:
    """The version in the list."""
    return page.locator(f"[data-row-id='{version}']")


def test_version_is_committed_compared_and_restored(
    page: Page, web: Web, ada: Person, client: httpx.Client, dataset: tuple[str, list[str]]
) -> None:
    dataset_id, ids = dataset
    sign_in(page, web, ada)
    page.goto(f"/datasets/{dataset_id}/versions")
    expect(page.get_by_text("No version yet")).to_be_visible()
    page.get_by_test_id("commit").click()
    expect(page.get_by_test_id("preview")).to_contain_text("It becomes version 1.0.0")
    page.locator("textarea[name=message]").fill("All cells")
    page.get_by_test_id("form-submit").click()
    expect(line(page, "1.0.0")).to_contain_text("All cells")
    changed = {"labels": {}, "annotations": [box("b1", 30), box("b2", 5)]}
    assert client.put(f"{API}/{dataset_id}/samples/{ids[0]}", json=changed).status_code == 200
    page.get_by_test_id("commit").click()
    page.get_by_label("Samples", exact=True).select_option("all")
    expect(page.get_by_test_id("preview")).to_contain_text("1 with boxes added, 1 with boxes moved")
    page.get_by_test_id("form-submit").click()
    expect(line(page, "1.0.1")).to_be_visible()
    page.get_by_label("Compare with the version before").first.click()
    expect(page.get_by_test_id("change")).to_have_count(1)
    expect(page.get_by_test_id("counts")).to_contain_text("1 with boxes moved")
    boxes = page.get_by_test_id("change").locator("span[title=cell]")
    expect(boxes).to_have_count(3)
    expect(boxes.first).to_have_css("border-top-style", "dashed")  # where it was
    expect(boxes.nth(1)).to_have_css("border-top-style", "solid")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_test_id("tab-versions")).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_test_id("restore").last.click()
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_text("Version 1.0.0 is restored")).to_be_visible()
    now = client.get(f"{API}/{dataset_id}/versions/1.0.0/samples").json()
    assert now["total"] == 8
    with transaction() as session:
        assert session.get_one(TrainingSample, ids[0]).annotations == [box("b1", 5)]


def test_sample_is_withdrawn_after_a_look_at_what_it_touched(
    page: Page, web: Web, ada: Person, client: httpx.Client, dataset: tuple[str, list[str]]
) -> None:
    dataset_id, ids = dataset
    assert client.post(f"{API}/{dataset_id}/versions", json={}).status_code == 201
    sign_in(page, web, ada)
    page.goto(f"/datasets/{dataset_id}/impact?sample={ids[0]}")
    expect(page.get_by_test_id("summary")).to_have_text("It touched 1 version.")
    expect(page.get_by_test_id("touched-versions")).to_contain_text("1.0.0")
    expect(page.get_by_test_id("touched-picture")).to_be_visible()
    page.get_by_test_id("withdraw").click()
    page.locator("textarea[name=reason]").fill("The consent was taken back")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_text("This sample is withdrawn")).to_be_visible()
    made = client.post(f"{API}/{dataset_id}/versions", json={}).json()
    assert (made["sample_count"], made["changes"]) == (7, {"removed": 1})
    page.goto(f"/datasets/{dataset_id}/versions?version=1.0.0")
    expect(page.get_by_test_id("withdrawn-samples")).to_contain_text("1 sample of version 1.0.0 was withdrawn since.")
    page.get_by_test_id("withdrawn-samples").get_by_role("link").click()
    expect(page).to_have_url(f"{web.url}/datasets/{dataset_id}/impact?sample={ids[0]}")
    page.get_by_test_id("reinstate").click()
    page.get_by_test_id("reinstate-dialog-yes").click()
    expect(page.get_by_test_id("withdraw")).to_be_visible()


def test_job_and_model_lead_to_the_version_they_came_from_and_to_what_was_withdrawn_of_it(
    page: Page, web: Web, ada: Person, client: httpx.Client, dataset: tuple[str, list[str]]
) -> None:
    dataset_id, ids = dataset
    first = client.post(f"{API}/{dataset_id}/versions", json={}).json()
    with transaction() as session:
        row = session.get_one(TrainingDataset, UUID(dataset_id))
    job = make_job(ada, row, JobStatus.FAILED, dataset_version_id=UUID(first["id"]))
    waiting = make_job(ada, row, JobStatus.QUEUED)
    model = make_version("7.0.0", ai_module="cells", training_job_id=job.id)
    sign_in(page, web, ada)
    page.goto(f"/jobs/{waiting.id}")
    expect(page.get_by_text("frozen when the job begins")).to_be_visible()
    for place in (f"/jobs/{job.id}", f"/models/{model.id}"):
        page.goto(place)
        expect(page.get_by_test_id("dataset-version")).to_have_text("1.0.0")
        expect(page.get_by_test_id("withdrawn-samples")).to_have_count(0)
    page.get_by_test_id("dataset-version").click()
    expect(page).to_have_url(f"{web.url}/datasets/{dataset_id}/versions?version=1.0.0")
    for sample_id in ids[:2]:
        answer = client.post(f"{API}/{dataset_id}/samples/{sample_id}/withdraw", json={"reason": "No consent"})
        assert answer.status_code == 200, answer.text
    for place in (f"/jobs/{job.id}", f"/models/{model.id}"):
        page.goto(place)
        held = page.get_by_test_id("withdrawn-samples")
        expect(held).to_contain_text("2 samples of version 1.0.0 were withdrawn since.")
        expect(held.get_by_role("link")).to_have_count(2)
