"""SQLModel tables. In this house "models" are machine-learning models; these are tables.

Importing this package registers all of them.
"""

from app.tables.audit import AuditEvent, AuditLink, AuditPending
from app.tables.dataset_versions import DatasetChunk, DatasetFile, DatasetVersion, DeletedSample
from app.tables.datasets import TrainingDataset
from app.tables.deployments import ModelDeployment, Rollout
from app.tables.edge_servers import EdgeServer
from app.tables.frame_cuts import FrameCut
from app.tables.idempotency import IdempotencyKey
from app.tables.labelling import SampleLease, UserPreference
from app.tables.model_versions import AiModelVersion
from app.tables.opinions import ConsensusDecision, ReplacedOpinion, SampleAssignment, SampleDisagreement
from app.tables.organizations import Organization, PlanLimits
from app.tables.reviews import GroundTruth, ReviewDecision
from app.tables.samples import SampleAnnotation, TrainingSample
from app.tables.training_jobs import MetricPoint, TrainingJob
from app.tables.transfers import DatasetTransfer
from app.tables.trust import ApproverKey, TufMetadata
from app.tables.uploads import UploadFolder
from app.tables.users import ApiToken, User, UserIdentity, UserSession
from app.tables.webhooks import Webhook, WebhookDelivery

__all__ = [
    "AiModelVersion",
    "ApiToken",
    "ApproverKey",
    "AuditEvent",
    "AuditLink",
    "AuditPending",
    "ConsensusDecision",
    "DatasetChunk",
    "DatasetFile",
    "DatasetTransfer",
    "DatasetVersion",
    "DeletedSample",
    "EdgeServer",
    "FrameCut",
    "GroundTruth",
    "IdempotencyKey",
    "MetricPoint",
    "ModelDeployment",
    "Organization",
    "PlanLimits",
    "ReplacedOpinion",
    "ReviewDecision",
    "Rollout",
    "SampleAnnotation",
    "SampleAssignment",
    "SampleDisagreement",
    "SampleLease",
    "TrainingDataset",
    "TrainingJob",
    "TrainingSample",
    "TufMetadata",
    "UploadFolder",
    "User",
    "UserIdentity",
    "UserPreference",
    "UserSession",
    "Webhook",
    "WebhookDelivery",
]
