"""The walk: dataset → labels → training → version → approval → release → edges → second version → rollback."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr
from sqlmodel import select

from app.demo import digits, people, second_look
from app.demo.client import ApiClient, DemoFailed, until
from app.demo.edges import PLACES, DemoEdge
from app.demo.people import ANN, BEN, CLEO, NAMES, Machine
from app.demo.report import Report, was_completed
from app.domain.permissions import Role, SystemActor
from app.infra.db import transaction
from app.running import Product
from app.schemas.people import UserCreate
from app.services import users
from app.settings import get_settings
from app.supervisor import exit_on_signals
from app.supervisor.supervisor import say
from app.tables import User

MODULE = "meter_digits"
GOAL = 0.97
SECOND = {"epochs": 4, "learning_rate": 5e-4}


@dataclass
class Demo:
    """The people's API clients, their machine, the edges, and what was found out on the way."""

    product: Product
    report: Report
    machine: Machine
    ann: ApiClient
    ben: ApiClient
    cleo: ApiClient
    edges: list[DemoEdge]
    digits: dict[str, digits.Digit]


def run(*, once: bool, again: bool) -> int:
    """Start the product, walk the loop, and leave it running unless `once`. Returns the exit code."""
    settings = get_settings()
    report_path = settings.data_dir.resolve() / "demo-report.json"
    with exit_on_signals(), Product(settings) as product:
        walked = was_completed(report_path) and not again
        demo = _open(product, Report(report_path))
        if walked:
            for edge in demo.edges:
                edge.start()
            say("The loop was walked before (./trainyard demo --again walks it again).")
        else:
            _walk(demo)
        if not once:
            _invite(demo)
            product.wait()
    return 0


def _open(product: Product, report: Report) -> Demo:
    machine = Machine.open(product.settings.data_dir.resolve() / "demo" / "machine")
    _create_people(machine)
    base_url = product.settings.base_url
    ann = ApiClient(base_url).sign_in(ANN, machine.secrets[ANN], "demo script")
    ben = ApiClient(base_url).sign_in(BEN, machine.secrets[BEN], "demo script")
    cleo = ApiClient(base_url).sign_in(CLEO, machine.secrets[CLEO], "demo script")
    edges = [DemoEdge(product, ann, place) for place in PLACES]
    return Demo(product, report, machine, ann, ben, cleo, edges, {})


def _create_people(machine: Machine) -> None:
    """What `./trainyard users create` does; the only thing here that is not done through the API."""
    with transaction() as session:
        for email, name in NAMES.items():
            if session.exec(select(User.id).where(User.email == email)).first() is None:
                password = SecretStr(machine.secrets[email])
                request = UserCreate(email=email, name=name, password=password, role=Role.SUPER_ADMIN)
                users.create(session, SystemActor("demo"), request)


def _walk(demo: Demo) -> None:
    report = demo.report
    with report.step("Root of trust published; Ben's key may approve") as step:
        root = people.establish_trust(demo.ann, demo.machine)
        step["result"] = f"root {root[:12]}…"
    for edge in demo.edges:
        with report.step(f"Edge server {edge.place.name} enrolled with its own key") as step:
            edge.start()
            step["result"] = f"heartbeat ok, answers at {edge.url}"
    dataset = _collect(demo)
    first = _train(demo, dataset, "First digit reader", {}, None)
    _publish(demo, first, "First version: draft, trained from scratch.")
    _deploy(demo, first, demo.edges)
    report.facts["first_version"] = _facts(first)
    _ask_edge(demo, first, demo.edges[0])
    second = _train(demo, dataset, "Second digit reader, fine-tuned", SECOND, first["id"])
    _publish(demo, second, "Trained further from the first.")
    _deploy(demo, second, demo.edges)
    report.facts["second_version"] = _facts(second)
    _roll_back(demo, first, demo.edges[0])
    if not any(row["name"] == second_look.NAME for row in demo.ann.items("/training/datasets")):
        second_look.SecondLook(report, [demo.ann, demo.ben, demo.cleo]).run()
    report.facts["edges"] = {
        edge.place.name: {"loaded_sha256": edge.loaded_digest(MODULE), "url": edge.url} for edge in demo.edges
    }
    report.complete()
    say(f"Every step happened. Report: {report.path}")


def _collect(demo: Demo) -> dict[str, Any]:
    """Import, label (Ann) and verify (Ben) the digits."""
    taken = len([d for d in demo.ann.items("/training/datasets") if d["name"].startswith("Meter digits")])
    name = "Meter digits" if not taken else f"Meter digits, run {taken + 1}"
    with demo.report.step("Real handwritten digits imported and labelled by Ann") as step:
        every = digits.load()
        classes = [{"name": n, "color": c} for n, c in zip(digits.CLASSES, digits.COLOURS, strict=True)]
        body = {
            "name": name,
            "description": "Handwritten digits as a meter-reading camera would crop them (scikit-learn, UCI).",
            "ai_module": MODULE,
            "environment": "production",
            "label_schema": {"task": "classification", "classes": classes},
        }
        dataset = demo.ann.post("/training/datasets", body)
        ids = digits.upload(demo.ann, dataset["id"], every)
        demo.digits = dict(zip(ids, every, strict=True))
        step["result"] = f"{len(every):,} images in dataset {name!r}"
    with demo.report.step("Labels verified by Ben, another person") as step:
        for start in range(0, len(ids), 500):
            body = {"sample_ids": ids[start : start + 500], "verified": True, "quality_score": 1.0}
            demo.ben.post(f"/training/datasets/{dataset['id']}/samples/verify", body)
        dataset = demo.ann.put(f"/training/datasets/{dataset['id']}", {"status": "active"})
        if not dataset["sample_count"] == dataset["labeled_count"] == dataset["verified_count"] == len(every):
            raise DemoFailed(f"the counts of the dataset are wrong: {dataset}")
        step["result"] = f"{dataset['verified_count']:,} verified"
    result: dict[str, Any] = dataset
    return result


def _train(demo: Demo, dataset: dict[str, Any], name: str, choices: dict[str, Any], base: str | None) -> dict[str, Any]:
    """Run a training job to its end; returns the draft model version."""
    with demo.report.step(f"Training job: {name}") as step:
        body = {"name": name, "dataset_id": dataset["id"], "hyperparameters": choices, "base_model_version": base}
        job = demo.ann.post("/training/jobs", body)

        def finished() -> Any:
            row = demo.ann.get(f"/training/jobs/{job['id']}")
            return row if row["status"] in {"completed", "failed", "cancelled"} else None

        job = until(f"job {name!r}", finished, 600)
        if job["status"] != "completed":
            raise DemoFailed(f"job {name!r} {job['status']}: {job['error_message']}")
        version: dict[str, Any] = demo.ann.get(f"/training/models/{job['output_model_version']}")
        points = demo.ann.get(f"/training/jobs/{job['id']}/metrics")["series"]
        step["result"] = (
            f"{version['ai_module']} {version['version']}: accuracy {version['accuracy']:.4f} on "
            f"{job['training_config']['split']['counts']['test']} held-out digits, {len(points)} curves"
        )
    return version


def _publish(demo: Demo, version: dict[str, Any], notes: str) -> None:
    """Testing → approval by Ben's signature → release."""
    path, label = f"/training/models/{version['id']}", f"{version['ai_module']} {version['version']}"
    with demo.report.step(f"{label} put to test"):
        demo.ann.put(path, {"status": "testing", "release_notes": notes})
    with demo.report.step(f"{label} approved: Ben signed it with his own key") as step:
        people.approve(demo.ben, demo.machine, version["id"])
        step["result"] = f"sha256 {version['bundle_sha256'][:12]}…"
    with demo.report.step(f"{label} released: snapshot and timestamp signed"):
        demo.ben.post(f"{path}/release")


def _deploy(demo: Demo, version: dict[str, Any], edges: list[DemoEdge]) -> None:
    label = f"{version['ai_module']} {version['version']}"
    with demo.report.step(f"{label} deployed to {len(edges)} edge servers, verified and loaded") as step:
        rollout = demo.ann.post(f"/training/models/{version['id']}/deploy-all")
        _await_loaded(demo, rollout, version, edges)
        step["result"] = "both report the released digest"


def _roll_back(demo: Demo, version: dict[str, Any], edge: DemoEdge) -> None:
    with demo.report.step(f"{edge.place.name} rolled back to {version['version']}") as step:
        rollout = demo.ann.post(f"/training/models/{version['id']}/deploy", {"edge_server_id": edge.id})
        if rollout["kind"] != "rollback":
            raise DemoFailed(f"deploying an earlier version is a {rollout['kind']}, not a rollback")
        _await_loaded(demo, rollout, version, [edge])
        step["result"] = "it reports the first digest again"


def _await_loaded(demo: Demo, rollout: dict[str, Any], version: dict[str, Any], edges: list[DemoEdge]) -> None:
    """Wait until every edge reports the digest that was released, out of what it has really loaded."""
    ids = {deployment["id"] for deployment in rollout["deployments"]}

    def settled() -> bool:
        rows = [d for d in demo.ann.items(f"/training/models/{version['id']}/deployments") if d["id"] in ids]
        failed = [d for d in rows if d["status"] == "failed"]
        if failed:
            raise DemoFailed(f"{failed[0]['edge_server_name']} refused: {failed[0]['error_message']}")
        return all(d["status"] == "completed" for d in rows)

    until("the deployments", settled, 120)
    for edge in edges:
        what = f"{edge.place.name} to report {version['bundle_sha256'][:12]}…"
        until(what, lambda edge=edge: edge.loaded_digest(MODULE) == version["bundle_sha256"], 60)  # type: ignore[misc]


def _ask_edge(demo: Demo, version: dict[str, Any], edge: DemoEdge) -> None:
    """Ask an edge over HTTP about every digit that neither trained the model nor chose its epoch."""
    with demo.report.step(f"{edge.place.name} asked to read digits it was never trained on") as step:
        url = demo.ann.get(f"/training/jobs/{version['training_job_id']}/split")["url"]
        lines = [json.loads(line) for line in httpx.get(url, timeout=30).text.splitlines()]
        held_out = [demo.digits[line["sample_id"]] for line in lines if line["split"] == "test"]
        right = 0
        for start in range(0, len(held_out), 50):
            part = held_out[start : start + 50]
            answer = edge.read(MODULE, [digit.png for digit in part])
            if answer["bundle_sha256"] != version["bundle_sha256"]:
                raise DemoFailed("the edge answered with another model than the one deployed")
            right += sum(r["label"] == d.label for r, d in zip(answer["results"], part, strict=True))
        accuracy = right / len(held_out)
        demo.report.facts["edge_accuracy"] = {"held_out": len(held_out), "right": right, "accuracy": round(accuracy, 4)}
        if accuracy < GOAL:
            raise DemoFailed(f"the edge read {accuracy:.4f} of the held-out digits rightly; {GOAL} were expected")
        step["result"] = f"{right} of {len(held_out)} right: {accuracy:.4f}"


def _facts(version: dict[str, Any]) -> dict[str, Any]:
    return {name: version[name] for name in ("id", "version", "bundle_sha256", "accuracy", "f1_score")}


def _sights(demo: Demo) -> str:
    """Where several people's work is to be seen, for the last lines on the screen."""
    rows = [row for row in demo.ann.items("/training/datasets") if row["name"] == second_look.NAME]
    if not rows:
        return ""
    page = f"{demo.product.settings.base_url}/datasets/{rows[0]['id']}"
    return (
        f"  Look at how far three people agree {page}/quality, at what they differ about {page}/opinions,\n"
        f"  at labels that wait for a review {page}/review, and at two versions {page}/versions\n"
    )


def _invite(demo: Demo) -> None:
    machine = demo.machine
    say(
        f"""
Trainyard is running: {demo.product.settings.base_url}
  Ann  {ANN}  password {machine.secrets[ANN]}
  Ben  {BEN}  password {machine.secrets[BEN]}
  Cleo {CLEO} password {machine.secrets[CLEO]}
{_sights(demo)}\
  To approve in the browser as Ben: key file {machine.approver_key_file}, passphrase {machine.secrets["passphrase"]}
Stop with Ctrl-C."""
    )
