"""Who each route is for, written out: `METHOD path` and one of the words that `tests/api/test_matrix.py` explains.

public: everybody; edge: an edge server for itself; own: whoever is signed in, about themselves; own-write: the same,
not with a read-only token; read: super admins, and organization admins on Enterprise for their own and global records;
admin-read: super admins; write: super admins, not with a read-only token.
"""

TABLE = """
POST   /auth/sign-in                                              public
POST   /auth/sign-out                                             public
POST   /auth/sign-out-everywhere                                  own-write
POST   /auth/password                                             own-write
GET    /auth/me                                                   own
GET    /auth/sessions                                             own
POST   /auth/sessions/{session_id}/revoke                         own-write
GET    /auth/tokens                                               own
POST   /auth/tokens                                               own-write
POST   /auth/tokens/{token_id}/revoke                             own-write
GET    /auth/methods                                              public
GET    /auth/oidc/start                                           public
GET    /auth/oidc/callback                                        public
GET    /me/preferences/{name}                                     own
PUT    /me/preferences/{name}                                     own-write
GET    /users                                                     admin-read
POST   /users                                                     write
GET    /users/{user_id}                                           admin-read
PUT    /users/{user_id}                                           write
GET    /organizations                                             admin-read
POST   /organizations                                             write
GET    /organizations/{organization_id}                           admin-read
PUT    /organizations/{organization_id}                           write
GET    /plans                                                     admin-read
GET    /plans/{plan}                                              admin-read
PUT    /plans/{plan}                                              write
GET    /training/usage                                            read
GET    /organizations/{organization_id}/usage                     admin-read
GET    /training/overview                                         read
GET    /training/status                                           read
GET    /training/datasets                                         read
POST   /training/datasets                                         write
GET    /training/datasets/{dataset_id}                            read
PUT    /training/datasets/{dataset_id}                            write
DELETE /training/datasets/{dataset_id}                            write
POST   /training/datasets/{dataset_id}/uploads                    write
GET    /training/datasets/{dataset_id}/samples                    read
POST   /training/datasets/{dataset_id}/samples                    write
POST   /training/datasets/{dataset_id}/samples/verify             write
GET    /training/datasets/{dataset_id}/samples/{sample_id}        read
GET    /training/datasets/{dataset_id}/samples/{sample_id}/neighbours read
POST   /training/datasets/{dataset_id}/samples/{sample_id}/lease  write
DELETE /training/datasets/{dataset_id}/samples/{sample_id}/lease  write
POST   /training/datasets/{dataset_id}/next-sample                write
PUT    /training/datasets/{dataset_id}/samples/{sample_id}        write
DELETE /training/datasets/{dataset_id}/samples/{sample_id}        write
POST   /training/datasets/{dataset_id}/samples/{sample_id}/verify write
GET    /training/jobs                                             read
POST   /training/jobs                                             write
GET    /training/jobs/hyperparameters                             read
GET    /training/jobs/{job_id}                                    read
POST   /training/jobs/{job_id}/cancel                             write
GET    /training/jobs/{job_id}/logs                               read
GET    /training/jobs/{job_id}/split                              read
GET    /training/jobs/{job_id}/metrics                            read
GET    /training/models                                           read
GET    /training/models/{version_id}                              read
PUT    /training/models/{version_id}                              write
GET    /training/models/{version_id}/approval                     write
POST   /training/models/{version_id}/approve                      write
POST   /training/models/{version_id}/release                      write
POST   /training/models/{version_id}/deprecate                    write
POST   /training/models/{version_id}/download                     read
GET    /training/models/{version_id}/deployments                  read
POST   /training/models/{version_id}/deploy                       write
POST   /training/models/{version_id}/deploy-all                   write
GET    /training/deployments                                      read
POST   /training/deployments/{deployment_id}/retry                write
GET    /training/edge-servers                                     read
POST   /training/edge-servers                                     write
GET    /training/edge-servers/{edge_server_id}                    read
POST   /training/edge-servers/{edge_server_id}/enrolment-token    write
POST   /training/edge-servers/{edge_server_id}/revoke             write
GET    /training/trust                                            read
POST   /training/trust/root                                       write
GET    /webhooks                                                  admin-read
POST   /webhooks                                                  write
GET    /webhooks/{webhook_id}                                     admin-read
PUT    /webhooks/{webhook_id}                                     write
DELETE /webhooks/{webhook_id}                                     write
POST   /webhooks/{webhook_id}/rotate-secret                       write
POST   /webhooks/{webhook_id}/ping                                write
GET    /webhooks/{webhook_id}/deliveries                          admin-read
POST   /webhooks/{webhook_id}/deliveries/{delivery_id}/replay     write
GET    /training/audit                                            admin-read
GET    /training/audit/export                                     admin-read
GET    /training/audit/chain                                      admin-read
POST   /edge/enrol                                                public
POST   /edge/heartbeat                                            edge
GET    /edge/tuf/metadata/{filename}                              edge
POST   /edge/deployments/{deployment_id}/download                 edge
POST   /edge/deployments/{deployment_id}/progress                 edge
GET    /healthz                                                   public
GET    /readyz                                                    public
GET    /metrics                                                   admin-read
"""
ROUTES = {f"{method} {path}": word for method, path, word in (line.split() for line in TABLE.strip().splitlines())}
# Problem types that say what was wrong with an empty request; they refuse nobody as a caller.
OWN_WORDS = {"sign-in-failed"}
