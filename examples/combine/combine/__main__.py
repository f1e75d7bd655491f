"""`python -m combine`: start as the application does, look at the database, say what is there."""

from __future__ import annotations

import os
import sys

import lockgate
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from combine.models import Document, Project
from combine.settings import RefusedToStart, load_settings


def main() -> int:
    """Return the exit status: 2 where the process does not know where it belongs, lockgate's own where its URL cannot be had."""
    try:
        settings = load_settings(os.environ)
    except RefusedToStart as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 2
    except lockgate.LockgateError as error:
        print(f"error: {error.what}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        projects = session.scalar(select(func.count()).select_from(Project))
        documents = session.scalar(select(func.count()).select_from(Document))
    print(f"{settings.profile} is `{settings.environment}` at {engine.url.host}:{engine.url.port}/{engine.url.database}")
    print(f"{projects} projects, {documents} documents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
