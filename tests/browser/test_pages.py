"""Every page for everyone who opens it: empty, read-only, refused, not found, on a phone, and its security headers."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.domain.machines import JobStatus, ModelVersionStatus
from app.domain.permissions import Plan, Role
from tests.browser.web_process import Web
from tests.support import people
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset, make_edge, make_job, make_samples, make_version
from tests.support.world import World, make_world

SignIn = Callable[[Person], None]
LISTS = ("/", "/status", "/datasets", "/jobs", "/models", "/edge-servers", "/usage")


@pytest.fixture(scope="module")
def organization(web: Web) -> int:
    return people.make_organization("Enterprise Ltd", Plan.ENTERPRISE)


@pytest.fixture(scope="module")
def eve(organization: int) -> Person:
    return people.make_person(
        "Eve Enterprise", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE
    )


@pytest.fixture(scope="module")
def world(ada: Person, organization: int) -> World:
    return make_world(ada, organization)


def pages(world: World) -> tuple[str, ...]:
    details = (f"/datasets/{world.dataset}", f"/jobs/{world.job}", f"/models/{world.version}")
    return (*LISTS, *details, f"/edge-servers/{world.edge}")


@pytest.fixture
def as_person(context: BrowserContext, web_url: str) -> SignIn:
    def sign_in(person: Person) -> None:
        body = {"email": person.email, "password": PASSWORD}
        assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok

    return sign_in


def test_empty_lists_say_what_to_do_next(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    expected = {"/": "The yard is empty", "/datasets": "No datasets yet", "/jobs": "No jobs yet"}
    expected |= {"/models": "No model versions yet", "/edge-servers": "./trainyard keys init-root"}
    for path, text in expected.items():
        page.goto(path)
        expect(page.get_by_text(text).first).to_be_visible()


def test_empty_lists_tell_an_organization_admin_who_fills_them(as_person: SignIn, page: Page, eve: Person) -> None:
    as_person(eve)
    for path in ("/", "/status", "/datasets", "/jobs", "/edge-servers"):
        page.goto(path)
        expect(page.get_by_test_id("empty-state").filter(has_text="super admin").first).to_be_visible()
        expect(page.get_by_test_id("empty-state").get_by_role("button")).to_have_count(0)
        expect(page.get_by_text("./trainyard")).to_have_count(0)


def test_without_a_root_of_trust_the_form_says_how_to_make_one(as_person: SignIn, page: Page, ada: Person) -> None:
    as_person(ada)
    page.goto("/edge-servers")
    page.get_by_test_id("new-edge-server").first.click()
    page.locator("input[name=name]").fill("edge-early")
    page.get_by_test_id("form-submit").click()
    expect(page.get_by_test_id("form-dialog").get_by_test_id("error")).to_contain_text("./trainyard keys init-root")


def test_enterprise_admins_see_their_records_and_no_button_that_changes_them(
    as_person: SignIn,
    page: Page,
    eve: Person,
    world: World,
) -> None:
    as_person(eve)
    writing = ("new-dataset", "new-job", "new-edge-server", "start-testing", "deprecate", "cancel-job", "verify")
    for path in pages(world):
        page.goto(path)
        expect(page.get_by_test_id("person-menu")).to_contain_text("Eve Enterprise")
        expect(page.locator("h1")).not_to_be_empty()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        for test_id in (*writing, "revoke", "retry", "pick-all", "activate"):
            expect(page.get_by_test_id(test_id)).to_have_count(0)


def test_what_belongs_to_others_does_not_exist(as_person: SignIn, page: Page, ada: Person, eve: Person) -> None:
    other = people.make_organization(f"Other {uuid4().hex[:6]}", Plan.ENTERPRISE)
    dataset = make_dataset(ada, organization_id=other, name="Somebody else's")
    job = make_job(ada, dataset, JobStatus.FAILED)
    version, edge = make_version("9.0.0", organization_id=other), make_edge(ada, organization_id=other)
    as_person(eve)
    for path in (f"/datasets/{dataset.id}", f"/jobs/{job.id}", f"/models/{version.id}", f"/edge-servers/{edge.id}"):
        page.goto(path)
        expect(page.get_by_text("This cannot be shown")).to_be_visible()
        expect(page.get_by_text("Somebody else's")).to_have_count(0)


@pytest.mark.parametrize(
    "path",
    ["/jobs/none", "/models/3f6c2b7e-5a14-4d0a-9c55-0b6a3a1f7d21", "/datasets/1", "/edge-servers/99999999999999"],
)
def test_an_address_of_nothing_says_so(as_person: SignIn, page: Page, ada: Person, path: str) -> None:
    as_person(ada)
    page.goto(path)
    expect(page.get_by_text("This cannot be shown")).to_be_visible()


@pytest.mark.parametrize("query", ["/jobs?status=nonsense", "/models?module=NOT+ONE", "/datasets?environment=moon"])
def test_a_filter_that_does_not_exist_is_explained(as_person: SignIn, page: Page, ada: Person, query: str) -> None:
    as_person(ada)
    page.goto(query)
    expect(page.get_by_text("Please check")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "plan"), [(Role.MEMBER, Plan.ENTERPRISE), (Role.ORGANIZATION_ADMIN, Plan.PROFESSIONAL)]
)
def test_who_has_no_access_is_told_why(as_person: SignIn, page: Page, role: Role, plan: Plan, world: World) -> None:
    name = f"{role} {plan}".title()
    organization = people.make_organization(f"Org of {name}", plan)
    as_person(people.make_person(name, role, organization_id=organization, plan=plan))
    for path in pages(world):
        page.goto(path)
        expect(page.get_by_text("Not part of your account")).to_be_visible()


def test_failures_need_a_person_on_the_overview(as_person: SignIn, page: Page, ada: Person, world: World) -> None:
    make_version("3.0.0", status=ModelVersionStatus.TESTING)
    as_person(ada)
    page.goto("/")
    expect(page.get_by_text(re.compile("waits? for approval"))).to_be_visible()
    expect(page.get_by_text("1 deployment failed")).to_be_visible()


def test_labels_that_wait_lead_to_where_one_may_do_or_see_something(
    as_person: SignIn, page: Page, ada: Person, eve: Person, world: World
) -> None:
    dataset = make_dataset(ada, name="With most labels")
    make_samples(dataset, 40, ada)
    for person, there in ((ada, f"/datasets/{dataset.id}/review"), (eve, f"/datasets/{dataset.id}")):
        page.context.clear_cookies()
        as_person(person)
        page.goto("/")
        page.get_by_role("link", name=re.compile("40 of them in With most labels")).click()
        expect(page).to_have_url(re.compile(there + "$"))
        expect(page.get_by_text("Not part of your account")).to_have_count(0)


def test_nothing_is_wider_than_a_phone(chromium: Browser, web_url: str, ada: Person, world: World) -> None:
    phone = chromium.new_context(viewport={"width": 360, "height": 800}, base_url=web_url, is_mobile=True)
    body = {"email": ada.email, "password": PASSWORD}
    assert phone.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok
    page = phone.new_page()
    for path in (*pages(world), "/sign-in"):
        page.goto(path)
        expect(page.locator("h1")).not_to_be_empty()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    phone.close()


@pytest.mark.parametrize("path", ["/sign-in", "/assets/nothing.js", "/api/v1/healthz"])
def test_every_answer_carries_the_security_headers(web_url: str, path: str) -> None:
    headers = httpx.get(web_url + path, trust_env=False, follow_redirects=False).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert "unsafe" not in policy["script-src"]
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


def test_one_build_serves_any_port(web_url: str) -> None:
    """The address baked into the build is replaced by the one that the browser used."""
    page = httpx.get(f"{web_url}/sign-in", headers={"accept": "text/html"}, trust_env=False).text
    script = re.search(r"/assets/reflex-env-[^\"]+\.js", page)
    assert script
    answer = httpx.get(web_url + script[0], trust_env=False)
    assert f"ws://{web_url.removeprefix('http://')}/_event" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    evil = httpx.get(web_url + script[0], headers={"host": "a'b\"c"}, trust_env=False)
    assert "a'b" not in evil.text
