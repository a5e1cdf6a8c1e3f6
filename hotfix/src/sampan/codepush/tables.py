"""The tables of CodePush. A release is one label of one deployment; bundles and differences stand once each."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    String,
    Text,
    UniqueConstraint,
)

from sampan.platform.engines.tables import scoped_table

apps = scoped_table(
    "codepush_apps",
    Column("id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("os", String(32), nullable=False),
    Column("platform", String(32), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "name"),
)
deployments = scoped_table(
    "codepush_deployments",
    Column("id", String(40), primary_key=True),
    Column("app_id", String(40), nullable=False),
    Column("name", String(100), nullable=False),
    Column("key", String(64), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("last_n", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    UniqueConstraint("workspace_id", "app_id", "name"),
    UniqueConstraint("workspace_id", "key"),
    ForeignKeyConstraint(["workspace_id", "app_id"], ["codepush_apps.workspace_id", "codepush_apps.id"]),
)
bundles = scoped_table(
    "codepush_bundles",
    Column("sha256", String(64), primary_key=True),
    Column("package_hash", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("files", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("object_id", String(40), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
differences = scoped_table(
    "codepush_differences",
    Column("target", String(64), primary_key=True),
    Column("base_hash", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("object_id", String(40), nullable=False),
    Column("unneeded_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "target"], ["codepush_bundles.workspace_id", "codepush_bundles.sha256"]),
)
releases = scoped_table(
    "codepush_releases",
    Column("deployment_id", String(40), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("bundle", String(64)),
    Column("package_hash", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("app_version", String(100), nullable=False),
    Column("description", Text, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("is_mandatory", Boolean, nullable=False),
    Column("rollout", Integer, nullable=False),
    Column("salt", String(32), nullable=False),
    Column("method", String(16), nullable=False),
    Column("original_label", String(16), nullable=False),
    Column("original_deployment", String(100), nullable=False),
    Column("change_id", String(64), nullable=False),
    Column("released_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"], ["codepush_deployments.workspace_id", "codepush_deployments.id"]
    ),
    ForeignKeyConstraint(["workspace_id", "bundle"], ["codepush_bundles.workspace_id", "codepush_bundles.sha256"]),
)
counts = scoped_table(
    "codepush_counts",
    Column("deployment_id", String(40), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("active", BigInteger, nullable=False),
    Column("downloaded", BigInteger, nullable=False),
    Column("installed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"], ["codepush_deployments.workspace_id", "codepush_deployments.id"]
    ),
)
clients = scoped_table(
    "codepush_clients",
    Column("deployment_id", String(40), primary_key=True),
    Column("client", String(32), primary_key=True),
    Column("running", String(64), nullable=False),
    Column("downloaded", String(64), nullable=False),
    Column("failed", String(64), nullable=False),
    ForeignKeyConstraint(
        ["workspace_id", "deployment_id"], ["codepush_deployments.workspace_id", "codepush_deployments.id"]
    ),
)
