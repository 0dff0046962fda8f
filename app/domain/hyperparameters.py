"""What a person may choose about a training run, with its limits and its defaults.

One table of limits serves the API, the form in the dashboard (`describe`) and the training core, so that the three can
never disagree. A `Hyperparameters` that exists is valid: every way of making one checks every value, and all faults are
told at once. Only the standard library is imported here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from app.errors import Invalid

Value = int | float | str | None


@dataclass(frozen=True)
class Limits:
    """What one hyperparameter may be: a kind with a range (`int`, `float`) or a list of choices (`choice`)."""

    kind: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[int | str, ...] = ()
    optional: bool = False

    def fault(self, value: object) -> str | None:
        """Why `value` is not allowed, in words, or None when it is."""
        if value is None:
            return None if self.optional else f"must be {self.allowed}, got nothing"
        if self.kind == "choice":
            fits = type(value) in {int, str} and value in self.choices
        else:
            fits = self._is_number(value) and self.minimum <= value <= self.maximum  # type: ignore[operator]
        return None if fits else f"must be {self.allowed}, got {value!r}"

    def _is_number(self, value: object) -> bool:
        if isinstance(value, bool):
            return False
        return isinstance(value, int) if self.kind == "int" else isinstance(value, int | float)

    @property
    def allowed(self) -> str:
        if self.kind == "choice":
            words = f"one of {', '.join(str(choice) for choice in self.choices)}"
        else:
            noun = "a whole number" if self.kind == "int" else "a number"
            words = f"{noun} from {self.minimum:g} to {self.maximum:g}"
        return f"{words}, or empty for automatic" if self.optional else words


def _whole(default: int | None, minimum: int, maximum: int, text: str) -> Any:
    limits = Limits("int", text, minimum, maximum, optional=default is None)
    return field(default=default, metadata={"limits": limits})


def _number(default: float, minimum: float, maximum: float, text: str) -> Any:
    return field(default=default, metadata={"limits": Limits("float", text, minimum, maximum)})


def _choice(default: int | str | None, choices: tuple[int | str, ...], text: str) -> Any:
    return field(
        default=default, metadata={"limits": Limits("choice", text, choices=choices, optional=default is None)}
    )


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """All choices of one image-classification run; the defaults suit a few thousand small images on one CPU core."""

    epochs: int = _whole(15, 1, 500, "passes over the training images")
    batch_size: int = _whole(64, 1, 1024, "images per optimizer step")
    learning_rate: float = _number(3e-3, 1e-6, 1.0, "peak of the learning-rate schedule")
    weight_decay: float = _number(1e-4, 0.0, 1.0, "decay of the weights; higher values overfit less")
    optimizer: str = _choice("adamw", ("adamw", "sgd"), "how weights are updated")
    image_size: int | None = _whole(
        None, 8, 512, "side in pixels; automatic keeps the images' own size when all are equal, else 64"
    )
    channels: int | None = _choice(None, (1, 3), "1 for grey, 3 for colour; automatic is 1 when every image is grey")
    width: int = _whole(32, 8, 256, "channels of the first convolution; wider nets learn more and are slower")
    dropout: float = _number(0.1, 0.0, 0.9, "share of features hidden while training; higher values overfit less")
    validation_fraction: float = _number(0.15, 0.05, 0.4, "share of the images that choose the best epoch")
    test_fraction: float = _number(0.15, 0.05, 0.4, "share of the images kept for the final score")
    augment: str = _choice("light", ("none", "light"), "light: small shifts, rotations and changes of brightness")
    early_stopping_patience: int = _whole(0, 0, 100, "epochs without a better validation loss before stopping; 0 = off")
    golden_items: int = _whole(16, 8, 32, "held-out images that every edge server must reproduce")
    accelerator: str = _choice("auto", ("auto", "cpu", "gpu"), "auto uses a GPU when there is one")

    def __post_init__(self) -> None:
        faults = {spec.name: spec.metadata["limits"].fault(getattr(self, spec.name)) for spec in fields(self)}
        _refuse({name: fault for name, fault in faults.items() if fault})
        for spec in fields(self):
            if spec.metadata["limits"].kind == "float":
                object.__setattr__(self, spec.name, float(getattr(self, spec.name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build from JSON. Names that are left out take their defaults; unknown names are refused by name."""
        known = {spec.name for spec in fields(cls)}
        unknown = sorted(str(name) for name in values if name not in known)
        _refuse({name: f"is not a hyperparameter; known are {', '.join(sorted(known))}" for name in unknown})
        return cls(**values)

    def to_dict(self) -> dict[str, Value]:
        """A JSON object that `from_mapping` turns into an equal value."""
        return asdict(self)


def describe() -> list[dict[str, Any]]:
    """One JSON object per hyperparameter, in the order of a form: name, default and everything in `Limits`."""
    return [
        {"name": spec.name, "default": spec.default, **asdict(spec.metadata["limits"])}
        for spec in fields(Hyperparameters)
    ]


def _refuse(faults: Mapping[str, str]) -> None:
    if faults:
        listed = "; ".join(f"{name} {fault}" for name, fault in faults.items())
        raise Invalid(f"These hyperparameters are not valid: {listed}.", errors=dict(faults))
