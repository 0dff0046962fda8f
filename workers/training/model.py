"""The net, how it learns, and the form in which it leaves.

`CompactCNN` is a plain convolutional net with global average pooling: 3×3 convolutions in stages that halve the side
until it is about four pixels, wider at each halving. `Exportable` is what is tested, exported and served: uint8 images
in, probabilities out, with the normalisation of the training set inside, so no step between can differ at the edge.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.domain.hyperparameters import Hyperparameters
from workers.training.data import derived_seed
from workers.training.images import InputFormat

WARM_UP_SHARE = 0.15
_FINAL_SIDE = 4
_WIDEST = 4


@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shapes of the weights."""

    height: int
    width: int
    channels: int
    classes: int
    filters: int
    dropout: float

    @classmethod
    def of(cls, form: InputFormat, classes: int, choices: Hyperparameters) -> "Architecture":
        return cls(form.height, form.width, form.channels, classes, choices.width, choices.dropout)

    @property
    def halvings(self) -> int:
        """8 → 1, 32 → 3, 512 → 7: the shorter side ends at about four pixels."""
        return max(1, round(math.log2(min(self.height, self.width) / _FINAL_SIDE)))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class CompactCNN(nn.Module):
    """[N, channels, height, width] normalised float → logits [N, classes]; any size of at least 8 × 8.

    Large images are halved early, before there are many filters: a full-size first stage would cost most of the time.
    """

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        early = max(0, shape.halvings - 3)
        layers: list[nn.Module] = []
        filters = shape.channels
        for stage in range(early):
            filters = _append_convolution(layers, filters, max(8, shape.filters >> (early - stage)), stride=2)
        for stage in range(shape.halvings - early + 1):
            widened = shape.filters * min(2**stage, _WIDEST)
            filters = _append_convolution(layers, filters, widened, stride=1 if stage == 0 else 2)
            filters = _append_convolution(layers, filters, widened, stride=1)
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(shape.dropout)
        self.head = nn.Linear(filters, shape.classes)

    def forward(self, images: Tensor) -> Tensor:
        # A mean, not AdaptiveAvgPool2d: that one has no deterministic backward pass on CUDA.
        pooled: Tensor = self.features(images).mean(dim=(2, 3))
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


class Preprocess(nn.Module):
    """uint8 [N, height, width, channels] → float [N, channels, height, width] with mean 0 and deviation 1."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1) * 255)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1) * 255)

    def forward(self, images: Tensor) -> Tensor:
        return (images.permute(0, 3, 1, 2).to(torch.float32) - self.mean) / self.deviation


class Exportable(nn.Module):
    """uint8 [N, height, width, channels] → probabilities [N, classes] whose rows sum to 1."""

    def __init__(self, preprocess: Preprocess, net: CompactCNN) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return torch.softmax(self.net(self.preprocess(image)), dim=1)


class Classifier(L.LightningModule):
    """Cross-entropy, AdamW or SGD, and one rise and fall of the learning rate over the whole run."""

    def __init__(
        self, shape: Architecture, choices: Hyperparameters, mean: list[float], deviation: list[float], seed: int
    ) -> None:
        super().__init__()
        self.shape = shape
        self.choices = choices
        self.seed = seed
        self.preprocess = Preprocess(mean, deviation)
        self.net = CompactCNN(shape)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.net(self.preprocess(images))
        return logits

    def exportable(self) -> Exportable:
        return Exportable(self.preprocess, self.net).eval()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> dict[str, Tensor]:
        # Dropout draws from torch's global generator; seeded per step, a resumed run repeats an uninterrupted one.
        torch.manual_seed(derived_seed(self.seed, "step", self.global_step))
        images, targets = batch
        logits = self(images)
        loss = functional.cross_entropy(logits, targets)
        return {"loss": loss, "correct": (logits.detach().argmax(dim=1) == targets).sum()}

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        images, targets = batch
        logits = self(images)
        hits = (logits.argmax(dim=1) == targets).float().mean()
        size = len(targets)
        self.log("val_loss", functional.cross_entropy(logits, targets), on_epoch=True, batch_size=size)
        self.log("val_accuracy", hits, on_epoch=True, batch_size=size)

    def configure_optimizers(self) -> Any:
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer = self._optimizer()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rise_and_fall(step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _optimizer(self) -> torch.optim.Optimizer:
        choices = self.choices
        decayed = [weight for weight in self.parameters() if weight.ndim > 1]
        free = [weight for weight in self.parameters() if weight.ndim <= 1]
        groups: list[dict[str, Any]] = [
            {"params": decayed, "weight_decay": choices.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ]
        if choices.optimizer == "sgd":
            return torch.optim.SGD(groups, lr=choices.learning_rate, momentum=0.9, nesterov=True)
        return torch.optim.AdamW(groups, lr=choices.learning_rate)


def rise_and_fall(step: int, steps: int) -> float:
    """The factor on the learning rate: a straight rise over the first 15 % of the steps, then half a cosine to 0.

    Loshchilov and Hutter, SGDR (2017), one period with warm-up.
    """
    rise = max(1, round(steps * WARM_UP_SHARE))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def _append_convolution(layers: list[nn.Module], taken: int, given: int, *, stride: int) -> int:
    layers += [
        nn.Conv2d(taken, given, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(given),
        nn.ReLU(),
    ]
    return given
