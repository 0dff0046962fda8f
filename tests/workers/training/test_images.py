"""Decoding: as docs/bundle-format.md says, and with the sample named when it fails."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import Invalid
from workers.training.images import ImageStore, InputFormat, decode, file_extension, survey
from workers.training.spec import TrainingSample

from .doubles import draw_dataset, sample_of

GREY = InputFormat(8, 6, 1)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.arange(width * height, dtype=np.uint8).reshape(height, width))


def turned() -> bytes:
    """A picture that a camera stored lying on its side: 8 wide and 6 high in the file, 6 wide and 8 high to the eye."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(gradient(8, 6), exif=exif.tobytes())


def test_pixels_of_the_right_size_are_untouched() -> None:
    assert np.array_equal(decode(encoded(gradient(6, 8)), GREY)[..., 0], np.asarray(gradient(6, 8)))


def test_exif_orientation_is_applied() -> None:
    expected = np.rot90(np.asarray(gradient(8, 6)), k=-1)
    assert np.array_equal(decode(turned(), GREY)[..., 0], expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_becomes_the_mode_of_the_contract(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    data = encoded(Image.new("RGB", (20, 20), (200, 100, 50)).convert(mode), kind)
    assert decode(data, InputFormat(8, 8, 3)).shape == (8, 8, 3)
    assert decode(data, InputFormat(8, 8, 1)).shape == (8, 8, 1)


def test_other_sizes_are_resized_bilinearly() -> None:
    image = gradient(30, 20)
    expected = np.asarray(image.resize((6, 8), Image.Resampling.BILINEAR))
    assert np.array_equal(decode(encoded(image), GREY)[..., 0], expected)


def test_survey_sees_sizes_as_the_eye_does(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(turned())
    (tmp_path / "b.png").write_bytes(encoded(gradient(6, 8)))
    found = survey([sample_of(tmp_path / name, "x") for name in ("a.png", "b.png")])
    assert found.sizes == {(8, 6)}
    assert found.grey


def test_format_is_the_images_own_when_all_are_equal(tmp_path: Path) -> None:
    found = survey(draw_dataset(tmp_path, per_class=1, size=(24, 40), channels=3))
    assert found.choose_format(None, None) == InputFormat(24, 40, 3)
    assert found.choose_format(16, 1) == InputFormat(16, 16, 1)


def test_format_is_64_when_sizes_differ_or_are_out_of_range(tmp_path: Path) -> None:
    mixed = draw_dataset(tmp_path / "a", per_class=1) + draw_dataset(tmp_path / "b", per_class=1, size=(9, 12))
    assert survey(mixed).choose_format(None, None) == InputFormat(64, 64, 1)
    huge = draw_dataset(tmp_path / "c", per_class=1, size=(20, 600))
    assert survey(huge).choose_format(None, None) == InputFormat(64, 64, 1)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(Invalid, match=r"Sample broken-1 \(notes.txt\) cannot be read as an image"):
        survey([sample_of(tmp_path / "notes.txt", "x", "broken-1")])


def test_a_cut_off_image_is_named(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    (tmp_path / "cut.png").write_bytes(encoded(noise)[:2000])
    with pytest.raises(Invalid, match=r"Sample broken-2 \(cut.png\) cannot be read as an image"):
        ImageStore([sample_of(tmp_path / "cut.png", "x", "broken-2")], GREY)


def test_a_file_that_was_exchanged_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gradient(6, 8)))
    exchanged = TrainingSample("swapped", tmp_path / "a.png", "0" * 64, "x")
    with pytest.raises(Invalid, match="Sample swapped is not the file that was labelled"):
        ImageStore([exchanged], GREY)


def test_images_that_do_not_fit_in_memory_are_decoded_on_demand(tmp_path: Path) -> None:
    samples = draw_dataset(tmp_path, per_class=3)
    kept, lazy = ImageStore(samples, GREY), ImageStore(samples, GREY, keep_bytes=0)
    assert np.array_equal(kept[[4, 0, 4]], lazy[[4, 0, 4]])
    assert kept.statistics() == lazy.statistics()


def test_statistics_are_those_of_all_pixels(tmp_path: Path) -> None:
    store = ImageStore(draw_dataset(tmp_path, per_class=3, channels=3), InputFormat(8, 6, 3))
    scaled = store[range(9)].astype(np.float64) / 255
    mean, deviation = store.statistics()
    assert mean == pytest.approx(scaled.mean(axis=(0, 1, 2)))
    assert deviation == pytest.approx(scaled.std(axis=(0, 1, 2)))


def test_extension_tells_the_content_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "digest-only").write_bytes(encoded(gradient(9, 9), "JPEG"))
    assert file_extension(tmp_path / "digest-only") == "jpg"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_every_format_an_edge_server_reads_can_be_trained_on(kind: str) -> None:
    assert decode(encoded(gradient(9, 9), kind), GREY).shape == (8, 6, 1)
