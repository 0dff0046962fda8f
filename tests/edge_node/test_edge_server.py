"""The local API under honest and dishonest requests: clear problems, no fault, and it goes on answering."""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from edge_support.bundles import SIDE, Version, expected, pixels_of, png
from edge_support.cloud import FakeCloud
from edge_support.node import Node
from PIL import Image

World = tuple[FakeCloud, Node]
PATH = "/v1/modules/meter_digits/infer"
PNG = {"Content-Type": "image/png"}


@pytest.fixture(autouse=True)
def http(world: World, first: Version) -> Iterator[httpx.Client]:
    """The client; after each test the node must still answer, without having logged a fault."""
    _, node = world
    yield node.http
    assert node.infer(png(pixels_of(3)))["version"] == "1.0.0"
    assert not [line for line in node.lines if "Traceback" in line or "ERROR" in line]


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["detail"]


def test_health_and_status(http: httpx.Client, first: Version) -> None:
    assert http.get("/healthz").json() == {"status": "ok", "loaded": 1}
    status = http.get("/v1/status").json()
    assert status["name"] == "pump-house"
    assert status["cloud"] == {"reachable": True, "problem": None}
    assert status["last_heartbeat_at"]
    assert status["loaded"][0]["bundle_sha256"] == first.sha256
    assert status["loaded"][0]["labels"] == ["low", "middle", "high"]


def test_several_images_in_one_form(http: httpx.Client, first: Version) -> None:
    files = [("image", (f"{number}.png", png(pixels_of(number)), "image/png")) for number in range(5)]

    results = http.post(PATH, files=files).json()["results"]

    for number, result in enumerate(results):
        assert result["probabilities"] == pytest.approx(list(expected(pixels_of(number), first.seed)), abs=1e-5)
    assert len(results) == 5


def test_image_of_another_size_mode_and_format_is_brought_to_the_contract(http: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 200), (255, 0, 0, 128)).save(buffer, "WEBP")

    assert http.post(PATH, content=buffer.getvalue(), headers={"Content-Type": "image/webp"}).status_code == 200


def test_many_requests_at_once_get_their_own_answers(http: httpx.Client, first: Version) -> None:
    def ask(number: int) -> list[float]:
        answer = http.post(PATH, content=png(pixels_of(number)), headers=PNG)
        return answer.json()["results"][0]["probabilities"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(100)))

    for number, answer in enumerate(answers):
        assert answer == pytest.approx(list(expected(pixels_of(number), first.seed)), abs=1e-5)


def test_module_without_a_model(http: httpx.Client) -> None:
    status, detail = problem(http.post("/v1/modules/nothing/infer", content=b"x", headers=PNG))

    assert status == 503
    assert detail == "No model is loaded for the module 'nothing' (loaded: meter_digits). Deploy one to it."


def test_unknown_path_and_method(http: httpx.Client) -> None:
    assert problem(http.get("/nothing"))[0] == 404
    assert problem(http.get(PATH))[0] == 405


def test_body_that_is_too_large(http: httpx.Client) -> None:
    assert problem(http.post(PATH, content=b"\0" * 20_000_001, headers=PNG))[0] == 413


def test_body_that_is_too_large_and_does_not_say_so(http: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(25):
            yield b"\0" * 1_000_000

    assert problem(http.post(PATH, content=chunks(), headers=PNG))[0] == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/json", ""])
def test_body_that_is_no_image(http: httpx.Client, kind: str) -> None:
    assert problem(http.post(PATH, content=b"{}", headers={"Content-Type": kind}))[0] == 415


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The image is empty."),
        (b"rubbish", "The image is in none of the formats"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "The image is in none of the formats"),
        (png(pixels_of(1))[:55], "The image cannot be decoded"),
        (bomb(7000, 7000), "The image has 7000 x 7000 pixels; at most 40000000 pixels are decoded."),
        (bomb(100_000, 100_000), "The image cannot be decoded"),
    ],
)
def test_image_that_cannot_be_decoded(http: httpx.Client, data: bytes, reason: str) -> None:
    status, detail = problem(http.post(PATH, content=data, headers=PNG))

    assert status == 422
    assert reason in detail


def test_bad_image_among_several_is_named_by_its_place(http: httpx.Client) -> None:
    files = [("image", ("a.png", png(pixels_of(1)))), ("image", ("b.png", b"rubbish"))]

    assert problem(http.post(PATH, files=files))[1].startswith("Image 2 of 2: ")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"no boundary", 400),
        ("multipart/form-data; boundary=x", b"--y\r\nnot a part", 400),
        ("multipart/form-data; boundary=x", b"", 422),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nhi\r\n--x--',
            422,
        ),
    ],
)
def test_form_that_is_broken_or_empty(http: httpx.Client, kind: str, body: bytes, status: int) -> None:
    assert problem(http.post(PATH, content=body, headers={"Content-Type": kind}))[0] == status


def test_too_many_images(http: httpx.Client) -> None:
    files = [("image", ("a.png", png(pixels_of(1)))) for _ in range(65)]

    assert problem(http.post(PATH, files=files))[0] == 400


def test_damaged_images_of_every_format_are_problems_and_never_faults(http: httpx.Client) -> None:
    chance = random.Random(7)
    picture = Image.fromarray(pixels_of(1)).resize((SIDE * 8, SIDE * 8))
    answered = {200: 0, 422: 0}
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        for _ in range(8):
            data = bytearray(buffer.getvalue())
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            status = http.post(PATH, content=bytes(data), headers=PNG).status_code
            assert status in answered, (kind, data)
            answered[status] += 1
    assert answered[422] > 20
