"""The net: every size, normalisation inside, and its learning-rate schedule."""

import pytest
import torch

from workers.training.model import Architecture, CompactCNN, Exportable, Preprocess, rise_and_fall


def net(height: int, width: int, channels: int = 3, filters: int = 8, classes: int = 4) -> CompactCNN:
    return CompactCNN(Architecture(height, width, channels, classes, filters, dropout=0.1)).eval()


@pytest.mark.parametrize("size", [(8, 8), (8, 300), (13, 29), (24, 40), (64, 64), (512, 512)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_gives_one_logit_per_class(size: tuple[int, int], channels: int) -> None:
    with torch.inference_mode():
        assert net(*size, channels)(torch.zeros(2, channels, *size)).shape == (2, 4)


@pytest.mark.parametrize(("side", "halvings"), [(8, 1), (16, 2), (32, 3), (64, 4), (512, 7)])
def test_the_side_is_halved_until_it_is_about_four(side: int, halvings: int) -> None:
    model = net(side, side)
    assert sum(layer.stride == (2, 2) for layer in model.features if hasattr(layer, "stride")) == halvings
    assert model.features(torch.zeros(1, 3, side, side)).shape[2:] == (4, 4)


def test_exportable_normalises_and_gives_probabilities() -> None:
    torch.manual_seed(0)
    model = net(9, 7)
    images = torch.randint(0, 256, (3, 9, 7, 3), dtype=torch.uint8)
    mean, deviation = [0.1, 0.2, 0.3], [0.4, 0.5, 0.6]
    by_hand = (images.float() / 255 - torch.tensor(mean)) / torch.tensor(deviation)
    with torch.inference_mode():
        expected = torch.softmax(model(by_hand.permute(0, 3, 1, 2)), dim=1)
        answer = Exportable(Preprocess(mean, deviation), model).eval()(images)
    assert torch.allclose(answer, expected, atol=1e-6)
    assert torch.allclose(answer.sum(dim=1), torch.ones(3))


def test_learning_rate_rises_then_falls_to_almost_nothing() -> None:
    factors = [rise_and_fall(step, 100) for step in range(100)]
    peak = factors.index(max(factors))
    assert max(factors) == 1.0
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert 0 <= factors[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_runs_have_a_learning_rate(steps: int) -> None:
    assert rise_and_fall(0, steps) > 0
