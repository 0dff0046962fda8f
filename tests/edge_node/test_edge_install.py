"""A node from its token to an answer: install, inference, the next version, the way back, several modules."""

import threading

import numpy as np
from edge_support.bundles import LABELS, expected, make_version, pixels_of, png
from edge_support.world import Serving, install


def test_installed_model_answers_as_it_was_trained(serving: Serving) -> None:
    pixels = pixels_of(500)

    answer = serving.node.infer(png(pixels), serving.first.ai_module)

    wanted = expected(pixels, serving.first.seed)
    (result,) = answer["results"]
    assert (answer["ai_module"], answer["version"]) == (serving.first.ai_module, "1.0.0")
    assert answer["bundle_sha256"] == serving.first.sha256
    assert result["label"] == LABELS[int(wanted.argmax())]
    np.testing.assert_allclose(result["probabilities"], wanted, atol=1e-5)
    assert result["confidence"] == max(result["probabilities"])
    assert answer["milliseconds"] > 0


def test_heartbeat_names_what_is_loaded_and_how_it_runs(serving: Serving) -> None:
    cloud, _, first = serving
    before = cloud.heartbeats[-1]["inference_count"]
    serving.infer(1)
    serving.infer(2)

    cloud.wait(lambda: cloud.heartbeats[-1]["inference_count"] == before + 2, what="two inferences counted")

    beat = cloud.heartbeats[-1]
    (loaded,) = [item for item in beat["loaded"] if item["ai_module"] == first.ai_module]
    assert loaded["bundle_sha256"] == first.sha256
    assert loaded["model_version_id"] == first.model_version_id
    assert loaded["version"] == "1.0.0"
    assert beat["edge_version"] == "0.1.0"
    assert beat["platform"].startswith("linux/")
    assert beat["inference_p50_ms"] > 0
    assert cloud.problems == []


def test_progress_is_reported_in_the_order_of_the_protocol(serving: Serving) -> None:
    deployment = list(serving.cloud.deployments.values())[-1]

    assert list(dict.fromkeys(deployment.statuses)) == ["downloading", "installing", "completed"]


def test_next_version_replaces_the_first_which_is_kept_to_go_back_to(serving: Serving) -> None:
    cloud, _, first = serving
    second = install(cloud, serving.next())

    assert serving.infer()["bundle_sha256"] == second.sha256
    assert bundles_on_disk(serving) == {first.sha256, second.sha256}

    downloads = len(cloud.ranges)
    assert cloud.settle(cloud.deploy(first)).status == "completed"
    assert serving.infer()["bundle_sha256"] == first.sha256
    assert len(cloud.ranges) == downloads, "going back to the kept version needs no download"


def test_only_the_current_and_the_previous_version_are_kept(serving: Serving) -> None:
    second = install(serving.cloud, serving.next("1.1.0", seed=2))
    third = install(serving.cloud, serving.next("1.2.0", seed=3))

    assert bundles_on_disk(serving) == {second.sha256, third.sha256}
    assert list((serving.node.folder / "incoming").rglob("*.part")) == []


def test_models_of_several_modules_serve_side_by_side(serving: Serving) -> None:
    cloud, node, first = serving
    other = install(cloud, make_version("3.0.0", seed=9, ai_module="gauge_reader"))

    assert node.infer(png(pixels_of(1)), "gauge_reader")["version"] == "3.0.0"
    assert serving.infer()["version"] == "1.0.0"
    cloud.wait(
        lambda: {first.sha256, other.sha256} <= {item["bundle_sha256"] for item in cloud.heartbeats[-1]["loaded"]},
        what="both modules in the heartbeat",
    )


def test_inference_goes_on_while_a_version_is_downloaded_and_swapped(serving: Serving) -> None:
    cloud, _, first = serving
    second = serving.next(padding=3_000_000)
    cloud.release(second)
    cloud.slow_chunk_seconds = 0.01
    answers: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(serving.infer()["bundle_sha256"])

    asking = threading.Thread(target=ask)
    asking.start()
    deployment = cloud.settle(cloud.deploy(second))
    done.set()
    asking.join()
    answers.append(serving.infer()["bundle_sha256"])

    assert deployment.status == "completed"
    assert answers[0] == first.sha256
    assert answers[-1] == second.sha256
    assert set(answers) == {first.sha256, second.sha256}


def test_a_superseded_deployment_is_dropped_without_a_report(serving: Serving) -> None:
    cloud = serving.cloud
    second, third = serving.next("1.1.0", padding=3_000_000), serving.next("1.2.0", seed=3)
    for version in (second, third):
        cloud.release(version)
    cloud.slow_chunk_seconds = 0.05
    dropped = cloud.deploy(second)
    cloud.wait(lambda: dropped.status == "downloading", what="the download under way")

    wanted = cloud.deploy(third)

    assert cloud.settle(wanted).status == "completed"
    assert dropped.status not in ("completed", "failed")
    assert serving.loaded == "1.2.0"


def test_a_failed_deployment_is_tried_again_only_when_it_is_pending_anew(serving: Serving) -> None:
    cloud = serving.cloud
    second = serving.next()
    cloud.store[second.target] = second.data
    deployment = cloud.settle(cloud.deploy(second))
    assert deployment.status == "failed"
    assert deployment.error_message
    cloud.repository.approve(second)

    cloud.stale_listing = True
    reports, beats = len(cloud.reports), len(cloud.heartbeats)
    cloud.wait(lambda: len(cloud.heartbeats) > beats + 3, what="heartbeats whose answers list the deployment still")
    assert len(cloud.reports) == reports

    cloud.stale_listing = False
    deployment.status = "pending"
    assert cloud.settle(deployment).status == "completed"
    assert serving.loaded == "1.1.0"
    cloud.wait(lambda: cloud.heartbeats[-1]["last_error"] is None, what="the error is cleared by the success")


def test_end_of_an_install_is_reported_until_the_cloud_has_heard(serving: Serving) -> None:
    cloud = serving.cloud
    second = serving.next()
    cloud.release(second)
    cloud.busy_for = {"completed"}
    cloud.turned_away = 0
    deployment = cloud.deploy(second)
    cloud.wait(lambda: cloud.turned_away > 1, what="the report turned away twice")
    assert serving.loaded == "1.1.0", "the model serves, whether the cloud has heard or not"
    assert deployment.status == "installing"

    cloud.busy_for = set()

    assert cloud.settle(deployment).status == "completed"
    assert deployment.statuses.count("downloading") == 1, "nothing was installed twice"


def test_status_command_shows_what_the_node_serves(serving: Serving) -> None:
    shown = serving.node.command("status")

    assert shown.returncode == 0
    assert serving.first.sha256 in shown.stdout
    assert "pump-house" in shown.stdout


def bundles_on_disk(serving: Serving) -> set[str]:
    return {path.parent.name for path in serving.folder.glob("*/bundle.tar")}
