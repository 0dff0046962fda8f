"""Batches and augmentation: reproducible from (seed, epoch, sample) alone."""

import pytest
import torch

from workers.training.data import MAX_SHIFT, Augmentation, EpochBatches, ImageDataset, batches
from workers.training.images import ImageStore, InputFormat
from workers.training.spec import TrainingSample

from .doubles import LABELS

FORM = InputFormat(12, 12, 1)


@pytest.fixture(scope="module")
def store(marks: list[TrainingSample]) -> ImageStore:
    return ImageStore(marks, FORM)


def order_of(dataset: ImageDataset, epoch: int, seed: int = 1) -> list[list[int]]:
    sampler = EpochBatches(dataset, 16, shuffle_seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_shows_every_image_once_in_batches_of_nearly_equal_size(store: ImageStore) -> None:
    found = order_of(ImageDataset(store, LABELS), epoch=0)
    assert sorted(position for batch in found for position in batch) == list(range(len(store)))
    assert {len(batch) for batch in found} <= {14, 15}


def test_order_is_a_function_of_seed_and_epoch(store: ImageStore) -> None:
    dataset = ImageDataset(store, LABELS)
    assert order_of(dataset, 3) == order_of(dataset, 3)
    assert order_of(dataset, 3) != order_of(dataset, 4)
    assert order_of(dataset, 3, seed=1) != order_of(dataset, 3, seed=2)


def test_a_batch_carries_images_and_their_columns(store: ImageStore) -> None:
    images, targets = next(iter(batches(ImageDataset(store, LABELS), 100)))
    assert images.dtype == torch.uint8
    assert images.shape == (72, 12, 12, 1)
    assert [LABELS[column] for column in targets] == [sample.label for sample in store.samples]


def test_augmentation_of_an_image_does_not_depend_on_its_neighbours(store: ImageStore) -> None:
    dataset = ImageDataset(store, LABELS, Augmentation(seed=1), epoch=2)
    together, alone = dataset[[5, 9, 3]][0], dataset[[9]][0]
    assert torch.equal(together[1], alone[0])


def test_augmentation_differs_between_epochs_samples_and_seeds(store: ImageStore) -> None:
    names = [sample.sha256 for sample in store.samples[:2]]
    same = torch.from_numpy(store[[0, 0]])
    first = Augmentation(1)(same, names, 0)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, Augmentation(1)(same, names, 1))
    assert not torch.equal(first, Augmentation(2)(same, names, 0))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 48)])
def test_augmentation_is_light_and_never_a_flip(height: int, width: int) -> None:
    """A bright corner block stays in its corner, whatever is drawn."""
    image = torch.zeros((1, height, width, 3), dtype=torch.uint8)
    image[:, : height // 4, : width // 4] = 255
    augment = Augmentation(0)
    for number in range(200):
        changed = augment(image, [str(number)], 0)[0, :, :, 0].float()
        changed -= changed.min()
        down = (changed.sum(dim=1) * torch.arange(height)).sum() / changed.sum()
        across = (changed.sum(dim=0) * torch.arange(width)).sum() / changed.sum()
        assert down < height * (1 / 8 + MAX_SHIFT + 0.12)
        assert across < width * (1 / 8 + MAX_SHIFT + 0.12)
