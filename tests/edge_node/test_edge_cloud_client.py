"""How answers of the cloud become errors and assignments, and how a download meets a bad store or disk."""

import hashlib
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge_node.cloud import HttpCloud, clock_skew, parse_heartbeat, problem_to_error
from edge_node.download import Downloader, DownloadLimits
from edge_node.errors import CloudRefused, CloudUnreachable, Misconfigured, Refused, Retryable, Superseded
from edge_node.trust import Target

DATA = bytes(range(256)) * 40
TARGET = Target("m/1.0.0/bundle.tar", "m", "1.0.0", "id", hashlib.sha256(DATA).hexdigest(), len(DATA))


def error_for(status: int, code: str = "x", **headers: str) -> Exception:
    body = f'{{"type": "https://t/problems/{code}", "detail": "Because."}}'.encode()
    return problem_to_error(status, body, httpx.Headers(headers), "POST /x")


@pytest.mark.parametrize("code", ["deployment-superseded", "illegal-transition"])
def test_conflict_means_that_the_cloud_no_longer_wants_it(code: str) -> None:
    assert isinstance(error_for(409, code), Superseded)


def test_other_conflicts_and_refusals_are_refusals() -> None:
    error = error_for(409, "something-else")

    assert isinstance(error, CloudRefused)
    assert (error.status, error.code) == (409, "something-else")
    assert str(error) == "POST /x was answered 409: Because."


def test_busy_cloud_is_an_absent_cloud_and_its_wish_is_kept() -> None:
    error = error_for(503, **{"Retry-After": "7"})

    assert isinstance(error, CloudUnreachable)
    assert error.retry_after == 7


def test_wrong_clock_is_named_when_the_cloud_refuses_the_signature() -> None:
    assert "This machine's clock is" in str(error_for(401, Date="Mon, 01 Jan 2035 00:00:00 GMT"))
    assert "behind" in str(error_for(401, Date="Mon, 01 Jan 2035 00:00:00 GMT"))
    assert "clock" not in str(error_for(401))
    assert "clock" not in str(error_for(401, Date="rubbish"))


def test_clock_skew_is_theirs_minus_ours() -> None:
    ours = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)

    assert clock_skew("Tue, 01 Jan 2030 12:10:00 GMT", ours) == 600


@pytest.mark.parametrize("answer", [{}, {"assignments": None}, {"assignments": [None, 1, {}, {"deployment_id": 1}]}])
def test_heartbeat_answer_without_shape_assigns_nothing(answer: dict[str, Any]) -> None:
    assert parse_heartbeat(answer).assignments == ()
    assert parse_heartbeat(answer).interval_seconds == 5.0


@pytest.mark.parametrize(("field", "value"), [("ai_module", "../../etc"), ("deployment_id", "../x"), ("version", 3)])
def test_assignment_that_could_name_a_path_is_left_out(field: str, value: object) -> None:
    good = {
        "deployment_id": "d-1", "ai_module": "m", "version": "1.0.0", "model_version_id": "v", "target": "t",
        "status": "pending",
    }  # fmt: skip
    assert len(parse_heartbeat({"assignments": [good]}).assignments) == 1
    assert parse_heartbeat({"assignments": [{**good, field: value}]}).assignments == ()


@pytest.mark.parametrize("url", ["", "cloud", "ftp://cloud", "http://", "javascript:alert(1)"])
def test_address_that_is_none(url: str) -> None:
    with pytest.raises(Misconfigured, match="The cloud's address"):
        HttpCloud(url, None, 1.0)


class Store:
    """A store behind httpx's own port; answers come from `answer`."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response], min_free_bytes: int = 0) -> None:
        self.downloader = Downloader(DownloadLimits(10**9, min_free_bytes, 1.0), stopping=lambda: False)
        self.downloader._client = httpx.Client(transport=httpx.MockTransport(answer))
        self.percents: list[int] = []

    def fetch(self, path: Path) -> None:
        self.downloader.fetch("https://store.test/x", TARGET, path, self.percents.append)


def sent(data: bytes, **headers: str) -> httpx.Response:
    """An answer whose body is still to be read, as from a network."""
    return httpx.Response(200, content=iter([data]), headers={"Content-Length": str(len(data)), **headers})


def test_download_arrives_whole(tmp_path: Path) -> None:
    store = Store(lambda _: sent(DATA))

    store.fetch(tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == DATA
    assert store.percents[-1] == 100


def test_download_goes_on_from_what_is_there(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Range"] == "bytes=1000-"
        return sent(DATA[1000:], **{"Content-Range": f"bytes 1000-10239/{len(DATA)}"})

    (tmp_path / "part").write_bytes(DATA[:1000])
    Store(answer).fetch(tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == DATA


def test_store_without_ranges_starts_from_zero(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA[:1000])

    Store(lambda _: sent(DATA)).fetch(tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == DATA


def test_whole_file_already_there_needs_no_request(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA)

    Store(lambda _: pytest.fail("asked the store")).fetch(tmp_path / "part")


@pytest.mark.parametrize("status", [301, 403, 404, 416, 500])
def test_store_that_does_not_deliver_is_tried_again(tmp_path: Path, status: int) -> None:
    with pytest.raises(Retryable):
        Store(lambda _: httpx.Response(status)).fetch(tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_answer_that_ends_early_keeps_what_came(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter([DATA[:5000]]))

    with pytest.raises(Retryable, match="broke off at byte 5000 of 10240"):
        Store(answer).fetch(tmp_path / "part")
    assert (tmp_path / "part").stat().st_size == 5000


def test_answer_without_an_end_is_cut_at_the_signed_length(tmp_path: Path) -> None:
    def endless() -> Any:
        while True:
            yield b"x" * 65536

    with pytest.raises(Refused, match="longer than the 10240 bytes that were signed"):
        Store(lambda _: httpx.Response(200, content=endless())).fetch(tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_disk_without_room_is_refused_before_the_download(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Free some space and deploy again"):
        Store(lambda _: pytest.fail("asked the store"), min_free_bytes=10**18).fetch(tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_disk_that_fills_up_underway_leaves_nothing(tmp_path: Path) -> None:
    """The kernel refuses to write on after 5,000 bytes, as it would on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(Refused, match="is full: free some space and deploy again"):
            Store(lambda _: sent(DATA)).fetch(tmp_path / "part")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "part").exists()
