"""The tables of tags and saved audiences."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Text

from sampan.platform.engines.tables import scoped_table

tags = scoped_table(
    "tags",
    Column("name", String(64), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
tag_blobs = scoped_table(
    "tag_blobs",
    Column("name", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),  # the number in the log up to which the members are in it
    Column("members", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
tag_merges = scoped_table("tag_merges", Column("merged", BigInteger, nullable=False))
tag_imports = scoped_table(
    "tag_imports",
    Column("id", String(40), primary_key=True),
    Column("tag", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("read_bytes", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("members_before", BigInteger, nullable=True),
    Column("members_after", BigInteger, nullable=True),
    Column("cause", String(500), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("via", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "tag"], ["tags.workspace_id", "tags.name"]),
    Index("ix_tag_imports_tag", "workspace_id", "tag", "created_ms", "id"),
)
audiences = scoped_table(
    "audiences",
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("note", String(2000), nullable=False),
    Column("rule", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
audience_editions = scoped_table(
    "audience_editions",
    Column("audience_id", String(40), primary_key=True),
    Column("edition", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("note", String(2000), nullable=False),
    Column("rule", Text, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    ForeignKeyConstraint(["workspace_id", "audience_id"], ["audiences.workspace_id", "audiences.id"]),
)
device_claims = scoped_table(
    "device_claims",
    Column("device_id", String(40), primary_key=True),
    Column("said_ms", BigInteger, nullable=False),
    Column("claims", Text, nullable=False),
    Index("ix_device_claims_said", "workspace_id", "said_ms"),
)
