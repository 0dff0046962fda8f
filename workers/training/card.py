"""The model card: what a person reads before approving.

After Mitchell et al., Model Cards for Model Reporting (2019).
"""

from typing import Any

from workers.training.spec import TrainingResult, TrainingSpec


def model_card(spec: TrainingSpec, result: TrainingResult) -> dict[str, Any]:
    """Plain JSON without times, paths or measured durations, so that equal runs give equal bundles."""
    split = {name: value for name, value in result.split.items() if name != "split_path"}
    return {
        "ai_module": spec.ai_module,
        "training_job_id": spec.job_id,
        "task": "image classification",
        "labels": list(spec.labels),
        "intended_use": (
            f"Telling apart the {len(spec.labels)} classes of the module {spec.ai_module} on images of the kind it was "
            "trained on. Every image gets one of these classes, also one that shows something else."
        ),
        "data": {"samples": len(spec.samples), "split": split},
        "hyperparameters": spec.hyperparameters.to_dict(),
        "seed": spec.seed,
        "training": result.training,
        "evaluation": {
            **result.metrics,
            "method": "accuracy and macro averages on images that neither trained the net nor chose its epoch",
        },
    }
