"""Changes of a label schema as callers send them, and what they would do."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from app.schemas.base import UUID, Name, Request, Sha256, View
from app.schemas.datasets import LabelAttribute, LabelClass

MAX_CHANGES = 1000  # as many classes as a schema may have: an import adds all of them at once
MAX_CHOSEN = 10_000


class AddClass(Request):
    """One more class."""

    change: Literal["add"]
    new: LabelClass


class EditClass(Request):
    """Another colour, key or other attributes; what is absent stays. `key: null` takes the key away."""

    change: Literal["edit"]
    class_name: Name = Field(alias="class")
    color: str | None = Field(None, pattern=r"^#[0-9a-fA-F]{6}$")
    key: str | None = Field(None, pattern=r"^[a-z0-9]$")
    attributes: list[LabelAttribute] | None = Field(None, max_length=30)


class RenameClass(Request):
    """Another name for a class; its labels follow."""

    change: Literal["rename"]
    class_name: Name = Field(alias="class")
    to: Name


class MergeClasses(Request):
    """Several classes become one of those that are there."""

    change: Literal["merge"]
    classes: list[Name] = Field(min_length=1, max_length=1000)
    into: Name


class SplitClass(Request):
    """One class becomes several: by the value of an attribute of its boxes, or by chosen samples.

    `values`: value of the attribute → class. `samples`: class → ids of samples. A label that neither names becomes
    `otherwise`, and without it its sample goes back to unlabelled.
    """

    change: Literal["split"]
    class_name: Name = Field(alias="class")
    into: list[LabelClass] = Field(min_length=2, max_length=50)
    attribute: Name | None = None
    values: dict[str, Name] = Field(default_factory=dict, max_length=1000)
    samples: dict[Name, list[UUID]] = Field(default_factory=dict, max_length=50)
    otherwise: Name | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.attribute is None) == bool(self.values) or (self.attribute is not None and self.samples):
            raise ValueError("a split goes by an attribute and its values, or by samples")
        chosen = [sample for ids in self.samples.values() for sample in ids]
        if len(chosen) > MAX_CHOSEN or len(set(chosen)) != len(chosen):
            raise ValueError(f"choose each sample once, and at most {MAX_CHOSEN:,} of them")
        return self

    def cases(self) -> dict[str, str]:
        """The class for each value of the attribute, or for each sample's id."""
        return self.values or {str(sample): name for name, ids in self.samples.items() for sample in ids}


class RemoveClass(Request):
    """One class less; boxes of it are removed, and samples that showed only it go back to unlabelled."""

    change: Literal["remove"]
    class_name: Name = Field(alias="class")


def _kind(change: Any) -> Any:
    return change.get("change") if isinstance(change, dict) else getattr(change, "change", None)


# By a function: the validators of every request's fields (`Request`) do not go with a field that tells them apart.
Change = Annotated[
    Annotated[AddClass, Tag("add")]
    | Annotated[EditClass, Tag("edit")]
    | Annotated[RenameClass, Tag("rename")]
    | Annotated[MergeClasses, Tag("merge")]
    | Annotated[SplitClass, Tag("split")]
    | Annotated[RemoveClass, Tag("remove")],
    Discriminator(
        _kind,
        custom_error_type="unknown_change",
        custom_error_message="a change is one of add, edit, rename, merge, split, remove",
    ),
]


class SchemaChanges(Request):
    """Changes, made one after another and all at once."""

    changes: list[Change] = Field(min_length=1, max_length=MAX_CHANGES)


class SchemaChangesApply(SchemaChanges):
    """The changes that a preview showed, with the digest that it gave."""

    digest: Sha256


class ClassFate(View):
    """What becomes of labels of one class. `becomes` is null where they go.

    `outcome`: kept (with fewer attributes), recoded, removed, unlabelled. `labels` are boxes where the label is boxes.
    """

    class_name: str = Field(serialization_alias="class")
    becomes: str | None
    outcome: Literal["kept", "recoded", "removed", "unlabelled"]
    labels: int
    samples: int
    verified_samples: int


class SchemaImpact(View):
    """What changes of the label schema would do, or did, to the labels of a dataset.

    `digest` names the changes together with every label that they touch: it is another one as soon as a label of them
    is. `verified_lost` counts samples that were verified and are not after it.
    """

    digest: str
    label_schema: dict[str, Any]
    fates: list[ClassFate]
    samples_changed: int
    samples_unlabelled: int
    verified_lost: int
    labels_removed: int
    attribute_values_removed: int
    opinions_changed: int
    opinions_removed: int
