"""The tables as the application sees them; a test compares them with what ops/db/schema.sql and the revisions make."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ENUM, JSONB, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NEW_UUID = text("gen_random_uuid()")
EMPTY_JSON = text("'{}'")


class WorkflowStatus(enum.Enum):
    """How far an execution is."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Base(DeclarativeBase):
    """What all tables have in common: the types of their columns."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        int: BigInteger,
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        uuid.UUID: UUID(as_uuid=True),
        dict[str, Any]: JSONB,
    }


class User(Base):
    """Somebody who may log in."""

    __tablename__ = "users"
    __table_args__ = (Index("users_email_key", text("lower(email)"), unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str]
    display_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserSession(Base):
    """A login; the token itself is nowhere, only its hash."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("user_sessions_live_token_key", "token_hash", unique=True, postgresql_where=text("revoked_at is null")),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Project(Base):
    """What documents belong to."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DocumentType(Base):
    """What kinds of documents there are; reference data."""

    __tablename__ = "document_types"
    __table_args__ = (CheckConstraint("retention_days > 0", name="document_types_retention_days_check"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    retention_days: Mapped[int | None]


class Document(Base):
    """The current text of a document."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("documents_labels_idx", "labels", postgresql_using="gin"),
        Index("documents_project_id_idx", "project_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    title: Mapped[str]
    type_code: Mapped[str] = mapped_column(ForeignKey("document_types.code"), server_default="note")
    body: Mapped[str] = mapped_column(server_default="")
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_JSON)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    project: Mapped[Project] = relationship()


class DocumentVersion(Base):
    """A text that a document has or had."""

    __tablename__ = "document_versions"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    body: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkflowExecution(Base):
    """One run of a workflow."""

    __tablename__ = "workflow_executions"
    __table_args__ = (
        Index("workflow_executions_open_idx", "document_id", postgresql_where=text("status in ('pending', 'running')")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_UUID)
    workflow: Mapped[str]
    status: Mapped[WorkflowStatus] = mapped_column(
        ENUM(WorkflowStatus, name="workflow_status", values_callable=lambda members: [member.value for member in members]),
        server_default="pending",
    )
    input: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_JSON)
    result: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
