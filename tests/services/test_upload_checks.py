"""What arrives is checked, cleaned and told about: the good files of a batch go in, and each other one says why not."""

import hashlib
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from starlette.testclient import TestClient

from app.domain.file_faults import Fault
from app.errors import Invalid
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.services import files, perceptual_hash
from app.tables import TrainingDataset
from tests.support.images import add_samples, bomb, png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.world import API

Skip = Callable[..., dict[str, Any]]
GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}


@pytest.fixture
def dataset(super_admin: Person) -> str:
    return str(make_dataset(super_admin).id)


@pytest.fixture
def send(admin: TestClient, dataset: str) -> Skip:
    """`send(*files)`: upload and register, and leave out what is bad; the answer."""

    def register(*contents: bytes, **fields: Any) -> dict[str, Any]:
        samples = [{"upload_key": key, **fields} for key in upload(admin, dataset, contents)]
        answer = admin.post(f"{API}/datasets/{dataset}/samples", json={"samples": samples, "on_fault": "skip"})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return register


def picture(size: tuple[int, int] = (96, 64), seed: int = 1, mode: str = "RGB") -> Image.Image:
    """Soft shapes that no other `seed` has."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(*, orientation: int = 1, gps: bool = False) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010F] = "Maker"
    made.get_ifd(0x8769)[0x9003] = "2026:05:04 10:11:12"
    made.get_ifd(0x8769)[0x9011] = "+02:00"
    if gps:
        made.get_ifd(0x8825).update(GPS)
    return made


def locked_zip() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    data = bytearray(out.getvalue())
    data[6] |= 1
    return bytes(data)


def frames(kind: str, **options: Any) -> bytes:
    pictures = [picture(seed=n) for n in (1, 2)]
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], **options)


BAD: list[tuple[str, bytes, Fault, str]] = [
    ("nothing", b"", Fault.EMPTY, "empty"),
    ("cut short", encoded(picture(), "JPEG")[:600], Fault.DAMAGED, "damaged or cut short"),
    ("PDF with a password", b"%PDF-1.7\ntrailer << /Encrypt 5 0 R >>", Fault.ENCRYPTED, "PDF document with a password"),
    ("ZIP with a password", locked_zip(), Fault.ENCRYPTED, "Remove the password"),
    ("PDF", b"%PDF-1.7\n", Fault.NOT_AN_IMAGE, "Save its pages"),
    ("HEIC", b"\0\0\0\x18ftypheic", Fault.NOT_AN_IMAGE, "Export it as JPEG"),
    ("video", b"\0\0\0\x18ftypisom", Fault.NOT_AN_IMAGE, "Register it as a video"),
    ("text", b"name,class\n", Fault.NOT_AN_IMAGE, "text file"),
    ("30,000 × 30,000", bomb(), Fault.TOO_MANY_PIXELS, "64,000,000"),
    ("animated GIF", frames("GIF"), Fault.ANIMATED, "animated"),
    ("animated WebP", frames("WEBP"), Fault.ANIMATED, "animated"),
    ("animated PNG", frames("PNG"), Fault.ANIMATED, "animated"),
    ("TIFF of two pages", frames("TIFF"), Fault.ANIMATED, "several pages"),
    ("floating point", encoded(Image.new("F", (9, 9), 0.5), "TIFF"), Fault.UNSUPPORTED, "floating-point"),
]


@pytest.mark.parametrize(("content", "fault", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_file_is_refused_with_its_reason(content: bytes, fault: Fault, said: str) -> None:
    with pytest.raises(Invalid) as refusal:
        files.inspect_image(content, "photo.jpg")
    assert refusal.value.fields["fault"] == fault
    assert said in refusal.value.message


def test_good_files_go_in_and_each_bad_one_says_why(send: Skip, admin: TestClient, dataset: str) -> None:
    good = encoded(picture(seed=7), "PNG")
    made = send(good, b"", BAD[1][1], bomb(), good, BAD[4][1])
    assert len(made["items"]) == 1
    assert [one["code"] for one in made["skipped"]] == [
        "empty", "damaged", "too-many-pixels", "duplicate", "not-an-image",
    ]  # fmt: skip
    assert all(one["message"] and "uploads/" not in one["message"] for one in made["skipped"])
    assert admin.get(f"{API}/datasets/{dataset}").json()["sample_count"] == 1


def test_skipped_duplicate_names_the_sample_that_is_there(send: Skip) -> None:
    content = encoded(picture(seed=3), "PNG")
    first = send(content)["items"][0]["id"]
    assert send(content)["skipped"][0]["sample_id"] == first


def test_file_that_changed_on_its_way_is_skipped(send: Skip) -> None:
    assert send(png(1), sha256="0" * 64)["skipped"][0]["code"] == "altered"


def test_place_without_a_file_is_skipped(admin: TestClient, dataset: str) -> None:
    slots = admin.post(f"{API}/datasets/{dataset}/uploads", json={"count": 1}).json()["slots"]
    body = {"samples": [{"upload_key": slots[0]["upload_key"]}], "on_fault": "skip"}
    assert admin.post(f"{API}/datasets/{dataset}/samples", json=body).json()["skipped"][0]["code"] == "missing"


def stored(sample: dict[str, Any]) -> bytes:
    store = get_object_store()
    data = store.get_bytes(store.key(sample["file_url"]))
    assert hashlib.sha256(data).hexdigest() == sample["sha256"]
    assert len(data) == sample["file_size"]
    return data


def test_turned_photo_is_stored_upright_and_its_original_is_known_again(send: Skip) -> None:
    original = encoded(picture((96, 64)), "JPEG", exif=exif(orientation=6), quality=90)
    made = send(original)["items"][0]
    assert (made["width"], made["height"]) == (64, 96)
    assert made["metadata"]["original_sha256"] == hashlib.sha256(original).hexdigest()
    with Image.open(BytesIO(stored(made))) as kept:
        assert kept.size == (64, 96)
        assert 0x0112 not in kept.getexif()
        wanted = np.asarray(picture((96, 64)).transpose(Image.Transpose.ROTATE_270), dtype=int)
        assert np.abs(np.asarray(kept, dtype=int) - wanted).mean() < 6
    assert send(original)["skipped"][0]["code"] == "duplicate"


def test_location_is_removed_and_not_a_pixel_changes(send: Skip) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    original = encoded(picture(), "JPEG", exif=exif(gps=True), icc_profile=profile)
    made = send(original)["items"][0]
    assert made["metadata"]["changes"] == "location removed"
    kept = stored(made)
    scan = original[original.index(b"\xff\xda") :]
    assert kept.endswith(scan)
    with Image.open(BytesIO(kept)) as image:
        assert 0x8825 not in image.getexif()
        assert image.getexif()[0x010F] == "Maker"
        assert image.info["icc_profile"] == profile


def test_dataset_that_keeps_locations_keeps_the_file_as_it_is(send: Skip, dataset: str) -> None:
    with transaction() as session:
        session.get_one(TrainingDataset, dataset).keeps_location = True
    original = encoded(picture(), "JPEG", exif=exif(gps=True))
    made = send(original)["items"][0]
    assert stored(made) == original
    assert made["metadata"] == {}


def test_time_of_the_camera_becomes_the_time_of_the_sample(send: Skip) -> None:
    taken = datetime(2026, 5, 4, 8, 11, 12, tzinfo=UTC)
    made = send(encoded(picture(), "JPEG", exif=exif()))["items"][0]
    assert datetime.fromisoformat(made["captured_at"]) == taken


def test_location_in_xmp_is_removed_too() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf exif:GPSLatitude="52,31N"/></x:xmpmeta>'
    found = files.inspect_image(encoded(picture(), "JPEG", xmp=xmp), "x")
    assert b"GPSLatitude" not in found.data
    assert found.changes == ("location removed",)


def test_deep_grey_is_kept_as_training_and_edges_read_it() -> None:
    deep = Image.fromarray(np.linspace(0, 65_535, 64 * 64, dtype=np.uint16).reshape(64, 64))
    found = files.inspect_image(encoded(deep, "PNG"), "x")
    assert (found.suffix, found.changes) == ("png", ("16 bits to 8 bits",))
    with Image.open(BytesIO(found.data)) as kept:
        assert kept.mode == "L"
        assert (np.asarray(kept) == np.asarray(deep) >> 8).all()


def test_cmyk_becomes_rgb() -> None:
    found = files.inspect_image(encoded(picture(mode="CMYK"), "JPEG", quality=95), "x")
    with Image.open(BytesIO(found.data)) as kept:
        assert kept.mode == "RGB"
        assert np.abs(np.asarray(kept, dtype=int) - np.asarray(picture(), dtype=int)).mean() < 12


def test_file_that_needs_nothing_is_kept_byte_for_byte() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        content = encoded(picture(), kind)
        found = files.inspect_image(content, "x")
        assert (found.data, found.original_sha256, found.changes) == (content, None, ())


def test_photo_with_further_pictures_in_it_is_one_picture() -> None:
    phone = encoded(picture(), "MPO", save_all=True, append_images=[picture((32, 32))])
    assert files.inspect_image(phone, "x").suffix == "jpg"


def test_hash_follows_the_look_and_not_the_bytes() -> None:
    image = picture((320, 200), seed=5)
    known = perceptual_hash.of_image(image)
    assert known is not None
    changed = [
        Image.open(BytesIO(encoded(image, "JPEG", quality=40))),
        image.resize((160, 100)),
        image.point(lambda value: min(255, int(value * 1.1))),
        image.convert("L"),
    ]
    for other in changed:
        found = perceptual_hash.of_image(other)
        assert found is not None
        assert perceptual_hash.distance(known, found) <= perceptual_hash.NEAR
    other = perceptual_hash.of_image(picture((320, 200), seed=6))
    assert other is not None
    assert perceptual_hash.distance(known, other) > perceptual_hash.NEAR
    assert perceptual_hash.of_image(Image.new("RGB", (50, 50), "teal")) is None


def test_near_duplicates_share_a_group_across_batches(send: Skip, admin: TestClient, dataset: str) -> None:
    image = picture((320, 200), seed=5)
    first = send(encoded(image, "PNG"), encoded(picture(seed=9), "PNG"))["items"]
    assert [one["near_group"] for one in first] == [None, None]
    (again,) = send(encoded(image, "JPEG", quality=50))["items"]
    (small,) = send(encoded(image.resize((160, 100)), "PNG"))["items"]
    listed = admin.get(f"{API}/datasets/{dataset}/samples", params={"near_duplicates": True}).json()["items"]
    assert {one["id"] for one in listed} == {first[0]["id"], again["id"], small["id"]}
    assert len({one["near_group"] for one in listed}) == 1
    others = admin.get(f"{API}/datasets/{dataset}/samples", params={"near_duplicates": False}).json()["items"]
    assert [one["id"] for one in others] == [first[1]["id"]]


def test_last_of_a_group_belongs_to_none(send: Skip, admin: TestClient, dataset: str) -> None:
    image = picture((320, 200), seed=5)
    made = send(encoded(image, "PNG"), encoded(image, "JPEG", quality=50))["items"]
    assert admin.delete(f"{API}/datasets/{dataset}/samples/{made[0]['id']}").status_code == 204
    (left,) = admin.get(f"{API}/datasets/{dataset}/samples").json()["items"]
    assert (left["id"], left["near_group"]) == (made[1]["id"], None)


def test_same_picture_in_another_dataset_is_no_near_duplicate(
    send: Skip, admin: TestClient, super_admin: Person
) -> None:
    send(encoded(picture(seed=5), "PNG"))
    other = make_dataset(super_admin, name="other")
    (made,) = add_samples(admin, other.id, [encoded(picture(seed=5), "PNG")])
    assert made["near_group"] is None
