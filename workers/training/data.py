"""Batches for training: which images, in which order, and how they are varied.

Everything random is drawn from generators seeded by (seed, epoch, sample), so a batch depends on nothing that happened
before it: a run that was killed and resumed sees what an uninterrupted run would have seen.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from workers.training.images import ImageStore

Batch = tuple[Tensor, Tensor]

MAX_SHIFT, MAX_DEGREES, MAX_SCALE, MAX_BRIGHTNESS, MAX_CONTRAST = 0.10, 10.0, 0.10, 0.10, 0.20
_DRAWS = 6


def derived_seed(*parts: int | str) -> int:
    """A 63-bit seed that is a function of all parts and of nothing else."""
    text = "\n".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass
class ImageDataset(Dataset[Batch]):
    """Images of one split as batches (uint8 [N, height, width, channels], int64 [N])."""

    store: ImageStore
    labels: Sequence[str]
    augment: "Augmentation | None" = None
    epoch: int = 0

    def __post_init__(self) -> None:
        column = {label: index for index, label in enumerate(self.labels)}
        self.targets = torch.tensor([column[sample.label] for sample in self.store.samples], dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, positions: list[int]) -> Batch:
        """A whole batch at once; the sampler hands out lists of positions."""
        images = torch.from_numpy(self.store[positions])
        if self.augment is not None:
            images = self.augment(images, [self.store.samples[position].sha256 for position in positions], self.epoch)
        return images, self.targets[positions]


class EpochBatches(Sampler[list[int]]):
    """Positions of each batch, shuffled by (seed, epoch). Batches differ by one image at most, so no tiny rest."""

    def __init__(self, dataset: ImageDataset, batch_size: int, *, shuffle_seed: int | None = None) -> None:
        self._dataset = dataset
        self._seed = shuffle_seed
        self._batches = max(1, math.ceil(len(dataset) / batch_size))

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before every epoch."""
        self._dataset.epoch = epoch

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.arange(len(self._dataset))
        if self._seed is not None:
            generator = torch.Generator().manual_seed(derived_seed(self._seed, "order", self._dataset.epoch))
            order = torch.randperm(len(self._dataset), generator=generator)
        return iter([chunk.tolist() for chunk in torch.tensor_split(order, self._batches)])


def batches(dataset: ImageDataset, batch_size: int, *, shuffle_seed: int | None = None) -> DataLoader[Batch]:
    """A loader in this process: the images are small, or decoding them is bound by the same cores."""
    sampler = EpochBatches(dataset, batch_size, shuffle_seed=shuffle_seed)
    return DataLoader(dataset, sampler=sampler, batch_size=None, num_workers=0)


class Augmentation:
    """Small shifts, rotations, zooms and changes of light; never a flip, which would turn a 2 into another sign."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, images: Tensor, names: Sequence[str], epoch: int) -> Tensor:
        """uint8 [N, H, W, C] in and out; `names` tell the images apart."""
        draws = torch.stack([self._draw(name, epoch) for name in names])
        pixels = images.permute(0, 3, 1, 2).to(torch.float32)
        turns = _turns(draws, images.shape[1], images.shape[2])
        grid = functional.affine_grid(turns, list(pixels.shape), align_corners=False)
        pixels = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
        contrast = 1 + MAX_CONTRAST * draws[:, 4, None, None, None]
        brightness = 255 * MAX_BRIGHTNESS * draws[:, 5, None, None, None]
        mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
        pixels = (pixels - mean) * contrast + mean + brightness
        return pixels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)

    def _draw(self, name: str, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derived_seed(self._seed, "augment", epoch, name))
        return torch.rand(_DRAWS, generator=generator) * 2 - 1


def _turns(draws: Tensor, height: int, width: int) -> Tensor:
    """Affine maps [N, 2, 3] from draws in -1…1; the rotation is by true angles also where images are not square."""
    angle = draws[:, 0] * math.radians(MAX_DEGREES)
    scale = 1 + MAX_SCALE * draws[:, 1]
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift_x, shift_y = draws[:, 2] * 2 * MAX_SHIFT, draws[:, 3] * 2 * MAX_SHIFT
    aspect = height / width
    first = torch.stack([cos, -sin * aspect, shift_x], dim=1)
    second = torch.stack([sin / aspect, cos, shift_y], dim=1)
    return torch.stack([first, second], dim=1)
