"""From bytes to the model's input: the contract of docs/bundle-format.md, to the pixel."""

import copy
import io
from typing import Any

import numpy as np
import pytest
from edge_support.bundles import CONTRACT
from PIL import Image

from edge_node.errors import BadImage, Refused
from edge_node.images import decode, parse_contract


def contract(**changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(CONTRACT)
    for name, value in changes.items():
        made["input"][name] = value
    return made


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_colour_is_converted_and_resized_with_pillows_bilinear() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)

    got = decode(encoded(image), parse_contract(contract()), 10_000)

    wanted = np.asarray(image.convert("L").resize((4, 4), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(got, wanted[..., None])
    assert got.dtype == np.uint8


def test_image_of_the_right_size_is_not_resampled() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)

    np.testing.assert_array_equal(
        decode(encoded(Image.fromarray(pixels)), parse_contract(contract()), 99)[..., 0], pixels
    )


def test_three_channels_stay_in_the_order_red_green_blue() -> None:
    made = parse_contract(contract(mode="RGB", channels=3))

    got = decode(encoded(Image.new("RGB", (4, 4), (10, 20, 30))), made, 99)

    assert got.shape == (4, 4, 3)
    assert got[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("wanted", [True, False])
def test_exif_orientation_is_applied_when_the_contract_says_so(wanted: bool) -> None:
    pixels = np.zeros((4, 4), np.uint8)
    pixels[0, :] = 255
    exif = Image.Exif()
    exif[0x0112] = 3

    got = decode(encoded(Image.fromarray(pixels), exif=exif), parse_contract(contract(exif_transpose=wanted)), 99)

    assert (got[3, :, 0] == 255).all() == wanted


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(BadImage, match="50 x 50 pixels; at most 2499"):
        decode(encoded(Image.new("L", (50, 50))), parse_contract(contract()), 2499)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dtype": "float32"}, "input.dtype is 'float32'"),
        ({"layout": "NCHW"}, "input.layout is 'NCHW'"),
        ({"resize": "lanczos"}, "input.resize is 'lanczos'"),
        ({"mode": "CMYK"}, "mode 'CMYK'"),
        ({"channels": 3}, "mode 'L' with 3 channels"),
        ({"height": 0}, "height is 0"),
        ({"width": 10**6}, "width is 1000000"),
        ({"height": True}, "height is True"),
        ({"exif_transpose": "yes"}, "exif_transpose is missing"),
        ({"name": ""}, "input.name"),
    ],
)
def test_contract_that_this_node_cannot_honour_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        parse_contract(contract(**change))


@pytest.mark.parametrize("value", [None, [], "text", {}, {"input": 1, "output": 2}])
def test_contract_without_shape_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        parse_contract(value)
