"""One example for every body that the API takes, as its documentation shows it. A test feeds each to its own schema."""

from typing import Any

_ID = "6f1c3a52-6a0e-4c39-9f0e-2d4b8d1c7a10"
_OTHER = "b7f0d6a4-0a4a-4b8e-8f3e-6f1f3b3f9c21"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY_ID = "4c7f1b8b2f6f3a0ad1f2c9f1f5a4e8e7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1"

EXAMPLES: dict[str, dict[str, Any]] = {
    "SignIn": {"email": "ann@example.org", "password": "correct horse battery staple"},
    "ApiTokenCreate": {"name": "nightly export", "scope": "read", "days": 90},
    "UserCreate": {
        "email": "ben@example.org",
        "name": "Ben Okafor",
        "password": "correct horse battery staple",
        "role": "organization_admin",
        "organization_id": 7,
    },
    "OrganizationCreate": {"name": "Harbour Pumps Ltd", "plan": "enterprise"},
    "OrganizationUpdate": {"name": "Harbour Pumps Ltd", "plan": "professional"},
    "UserUpdate": {"name": "Ben Okafor", "role": "organization_admin", "organization_id": 7, "is_active": False},
    "PasswordChange": {
        "current_password": "correct horse battery staple",
        "new_password": "another correct horse",
    },
    "SignOutEverywhere": {"api_tokens": True},
    "PlanUpdate": {
        "training_jobs_per_month": 10,
        "dataset_bytes": 10_000_000_000,
        "active_models_per_module": 5,
        "custom_training": True,
    },
    "DatasetCreate": {
        "name": "Meter digits",
        "ai_module": "meter_digits",
        "label_schema": {
            "task": "classification",
            "classes": [{"name": "0", "key": "0"}, {"name": "1", "color": "#3e63dd", "key": "1"}],
        },
        "environment": "production",
        "version": "1.0.0",
    },
    "DatasetUpdate": {"description": "Read at night, with flash", "status": "active"},
    "SchemaChanges": {
        "changes": [
            {"change": "rename", "class": "valve", "to": "gate valve"},
            {"change": "merge", "classes": ["crack", "scratch"], "into": "damage"},
            {
                "change": "split",
                "class": "gauge",
                "into": [{"name": "round gauge"}, {"name": "square gauge", "color": "#3e63dd"}],
                "attribute": "shape",
                "values": {"round": "round gauge", "square": "square gauge"},
            },
            {"change": "remove", "class": "person"},
        ]
    },
    "SchemaChangesApply": {
        "changes": [{"change": "edit", "class": "valve", "color": "#30a46c", "key": "v"}],
        "digest": _DIGEST,
    },
    "UploadRequest": {"count": 25},
    "UploadCompletion": {
        "upload_key": f"uploads/{_ID}/{_OTHER}/0",
        "multipart_id": "3",
        "parts": [{"number": 1, "etag": "9b2cf535f27731c974343645a3985328"}],
    },
    "SamplesCreate": {
        "samples": [
            {
                "upload_key": f"uploads/{_ID}/{_OTHER}/0",
                "sha256": _DIGEST,
                "labels": {"class": "1"},
                "captured_at": "2026-11-01T06:30:00Z",
                "metadata": {"lamp": "infrared"},
            },
            {"upload_key": f"uploads/{_ID}/{_OTHER}/1", "part": {"first": 0, "size": 1460}},
            {"upload_key": f"uploads/{_ID}/{_OTHER}/1", "part": {"first": 1460, "size": 1502}},
        ],
        "on_fault": "skip",
    },
    "ImportCreate": {"upload_key": f"uploads/{_ID}/{_OTHER}/0", "format": "auto", "dry_run": True},
    "ExportCreate": {"format": "coco", "images": True},
    "VideoCreate": {
        "upload_key": f"uploads/{_ID}/{_OTHER}/0",
        "captured_at": "2026-11-01T06:30:00Z",
        "metadata": {"file_name": "gate-2.mp4"},
    },
    "FrameCutCreate": {"every_ms": 1000, "limit": 500},
    "SampleUpdate": {
        "labels": {},
        "annotations": [
            {"id": "b1", "class": "valve", "box": [12.5, 40, 96, 31.2], "attributes": {"occluded": False}},
        ],
    },
    "OpinionSettings": {"opinions_per_sample": 3, "opinions_share": 20, "consensus_quorum": 2, "consensus_iou": 0.5},
    "SampleLabel": {"labels": {"class": "1"}},
    "Adjudicate": {"choice": "opinion", "annotator_id": 4, "reason": "The digit is a 7 with a bar"},
    "SampleWithdraw": {"reason": "The person in the picture took the consent back"},
    "VersionCommit": {
        "message": "Night images of both pump houses",
        "bump": "minor",
        "scope": "verified",
        "split": {"validation": 0.15, "test": 0.15, "seed": 7},
    },
    "VersionRestore": {"message": "The relabelling of last week was wrong"},
    "SampleVerify": {
        "verified": False,
        "rejection_reason": "The digit is cut off",
        "region": [12, 0, 8, 16],
        "quality_score": 0.4,
    },
    "LeaseRequest": {"take_over": True},
    "NextSample": {"after": _OTHER, "status": "unlabeled"},
    "PreferenceSet": {"value": {"keys": {"box.delete": ["Delete", "x"]}}},
    "GroundTruthPlant": {
        "samples": [{"sample_id": _ID, "labels": {"class": "7"}}, {"sample_id": _OTHER, "labels": {"class": "1"}}],
    },
    "SamplesVerify": {"sample_ids": [_ID, _OTHER], "verified": True, "quality_score": 1.0},
    "TrainingJobCreate": {
        "name": "Night images added",
        "dataset_id": _ID,
        "base_model_version": _OTHER,
        "hyperparameters": {"epochs": 20, "learning_rate": 0.001},
        "seed": 7,
    },
    "ModelVersionUpdate": {"release_notes": "Reads digits lit from the side", "status": "testing"},
    "ModelVersionApprove": {
        "payload_base64": "eyJfdHlwZSI6InRhcmdldHMifQ==",
        "keyid": _KEY_ID,
        "signature": "0f" * 64,
    },
    "DeploymentCreate": {"edge_server_id": 12},
    "EdgeServerCreate": {
        "name": "pump-house-3",
        "site": "Harbour, building C",
        "latitude": 53.5461,
        "longitude": 9.9664,
        "organization_id": 7,
    },
    "RootPublish": {
        "metadata": '{"signatures": [], "signed": {"_type": "root"}}',
        "approvers": [{"keyid": _KEY_ID, "email": "ben@example.org"}],
    },
    "WebhookCreate": {
        "name": "Chat of the night shift",
        "url": "https://hooks.example.org/trainyard",
        "events": ["job.failed", "deployment.failed"],
    },
    "WebhookUpdate": {"is_active": False},
    "EnrolRequest": {
        "token": f"tyedge_12_{'0a' * 24}_{_DIGEST}",
        "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "edge_version": "0.1.0",
        "platform": "linux/x86_64",
    },
    "Heartbeat": {
        "edge_version": "0.1.0",
        "platform": "linux/x86_64",
        "loaded": [
            {
                "ai_module": "meter_digits",
                "version": "1.2.0",
                "model_version_id": _ID,
                "bundle_sha256": _DIGEST,
                "loaded_at": "2026-11-01T06:30:00Z",
            }
        ],
        "inference_count": 18_204,
        "inference_p50_ms": 0.16,
    },
    "DeploymentProgress": {"status": "downloading", "progress_percent": 40},
}
