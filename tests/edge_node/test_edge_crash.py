"""Power cuts, a cloud that is away, a damaged disk: what was committed serves, what was under way is taken up again."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

from edge_support.node import Node
from edge_support.world import Serving, install

LARGE = 3_000_000


def pointer(serving: Serving) -> dict[str, str]:
    return json.loads((serving.folder / "current.json").read_bytes())


def test_node_serves_after_a_restart_with_the_cloud_gone(serving: Serving) -> None:
    cloud, node, version = serving
    cloud.stop()
    node.kill()

    node.start()

    assert serving.infer()["bundle_sha256"] == version.sha256
    node.wait_for_line("no heartbeat")
    assert node.status()["cloud"]["reachable"] is False
    assert serving.infer()["bundle_sha256"] == version.sha256

    beats = len(cloud.heartbeats)
    cloud.start()
    cloud.wait(lambda: len(cloud.heartbeats) > beats, what="a heartbeat once the cloud is back")
    assert version.sha256 in [item["bundle_sha256"] for item in cloud.heartbeats[-1]["loaded"]]


def test_expired_metadata_stops_installs_and_not_serving(serving: Serving) -> None:
    cloud, node, first = serving
    second = serving.next()
    cloud.release(second)
    cloud.repository.publish(lifetime=timedelta(seconds=-1))
    node.kill()

    node.start()

    assert serving.infer()["bundle_sha256"] == first.sha256
    assert "has expired" in cloud.refusal_of(second)
    assert serving.loaded == "1.0.0"


def test_broken_download_is_taken_up_where_it_ended(serving: Serving) -> None:
    cloud = serving.cloud
    second = serving.next(padding=LARGE)
    cloud.release(second)
    cloud.ranges.clear()
    cloud.cut_download_after = 1_000_000

    deployment = cloud.settle(cloud.deploy(second))

    assert deployment.status == "completed", deployment.error_message
    assert cloud.ranges[0] is None
    assert resumed_from(cloud.ranges[1]) > 0
    assert serving.infer()["bundle_sha256"] == second.sha256


def test_range_answered_with_200_is_understood(serving: Serving) -> None:
    cloud, _, _ = serving
    second = serving.next(padding=LARGE)
    cloud.release(second)
    cloud.ranges.clear()
    cloud.cut_download_after = 1_000_000
    cloud.answer_ranges_with_200 = True

    assert cloud.settle(cloud.deploy(second)).status == "completed"
    assert len(cloud.ranges) == 2


def test_partial_file_of_other_bytes_is_thrown_away(serving: Serving) -> None:
    cloud, node, first = serving
    second = serving.next()
    cloud.release(second)
    folder = node.folder / f"incoming/{first.ai_module}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{second.sha256}.part").write_bytes(b"rubbish" * 100)

    assert cloud.settle(cloud.deploy(second)).status == "completed"
    assert serving.infer()["bundle_sha256"] == second.sha256


def test_kill_during_a_download_is_made_good_by_a_restart(serving: Serving) -> None:
    cloud, node, first = serving
    second = serving.next(padding=LARGE)
    cloud.release(second)
    cloud.ranges.clear()
    cloud.slow_chunk_seconds = 0.03
    deployment = cloud.deploy(second)
    part = node.folder / f"incoming/{first.ai_module}/{second.sha256}.part"
    cloud.wait(lambda: part.exists() and part.stat().st_size > 500_000, what="a part of the bundle on disk")

    node.kill()
    cloud.slow_chunk_seconds = 0.0
    node.start()

    assert serving.loaded in ("1.0.0", "1.1.0")
    assert cloud.settle(deployment).status == "completed"
    assert resumed_from(cloud.ranges[-1]) >= 500_000
    assert serving.infer()["bundle_sha256"] == second.sha256
    assert pointer(serving)["previous"] == first.sha256


def test_kill_between_swap_and_report_is_made_good_by_a_restart(serving: Serving) -> None:
    """The worst moment for the cloud's view: installing there, installed here."""
    cloud, node, _ = serving
    second = install(cloud, serving.next())
    (deployment,) = [item for item in cloud.deployments.values() if item.version is second]
    node.kill()
    deployment.status = "installing"
    deployment.statuses.clear()

    node.start()

    assert cloud.settle(deployment).status == "completed"
    assert set(deployment.statuses) == {"installing", "completed"}, "a report never goes back to downloading"
    assert pointer(serving)["current"] == second.sha256


def test_previous_version_serves_when_the_current_one_is_damaged(serving: Serving) -> None:
    cloud, node, first = serving
    second = install(cloud, serving.next())
    node.stop()
    path = serving.folder / second.sha256 / "bundle.tar"
    data = path.read_bytes()
    path.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])

    node.start()

    assert serving.infer()["bundle_sha256"] == first.sha256
    cloud.wait(lambda: cloud.heartbeats[-1]["last_error"], what="the damage in the heartbeat")
    sentence = cloud.heartbeats[-1]["last_error"]
    assert str(path) in sentence
    assert sentence.endswith(f"Serving {first.ai_module} 1.0.0 instead.")

    again = cloud.settle(cloud.deploy(second))
    assert again.status == "completed", again.error_message
    assert serving.infer()["bundle_sha256"] == second.sha256


def test_nothing_left_to_serve_is_said_and_the_node_stays_up(serving: Serving) -> None:
    cloud, node, first = serving
    node.stop()
    (serving.folder / first.sha256 / "bundle.tar").unlink()

    node.start()

    answer = node.http.post(f"/v1/modules/{first.ai_module}/infer", content=b"x", headers={"Content-Type": "image/png"})
    assert answer.status_code == 503
    assert "deploy it again" in node.status()["last_error"]
    assert cloud.settle(cloud.deploy(first)).status == "completed"
    assert serving.loaded == "1.0.0"


def test_full_disk_is_a_plain_failure(serving: Serving) -> None:
    cloud, node, first = serving
    node.stop()
    node.start(TRAINYARD_EDGE_MIN_FREE_BYTES=str(10**18))
    second = serving.next()
    cloud.release(second)

    sentence = cloud.refusal_of(second)

    assert "are kept in reserve. Free some space and deploy again. Kept serving 1.0.0." in sentence
    assert list((node.folder / "incoming").rglob("*.part")) == []
    assert pointer(serving)["current"] == first.sha256
    node.stop()


def test_one_process_holds_the_folder(serving: Serving) -> None:
    _, node, _ = serving
    assert node.process is not None

    second = node.command("run", "--port", "0")

    assert second.returncode == 2
    assert f"is in use by another trainyard-edge (process {node.process.pid})" in second.stderr


def test_taken_port_is_a_plain_failure(serving: Serving, tmp_path: Path) -> None:
    _, node, _ = serving
    port = node.url.rsplit(":", 1)[1]
    twin = Node(node.python, tmp_path)
    for name in ("edge.json", "identity.key"):
        shutil.copy(node.folder / name, tmp_path / name)

    second = twin.command("run", "--port", port)

    assert second.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in second.stderr


def test_node_stops_in_order_on_a_signal(serving: Serving) -> None:
    _, node, _ = serving

    assert node.stop() == 0
    assert not (node.folder / "runtime.json").exists()
    assert "is not running" in node.command("status").stderr


def resumed_from(asked: str | None) -> int:
    assert asked is not None, "the download started from zero"
    return int(asked.removeprefix("bytes=").rstrip("-"))
