"""lockgate's own tables, made or brought to this version by whoever passed the gate."""

from __future__ import annotations

from lockgate.dialects.base import Dialect
from lockgate.permit import Session
from lockgate.registry import tables


def register(session: Session, dialect: Dialect, found: int) -> None:
    """
    Create the registry, or upgrade it, in the open transaction.

    Args:
        found: its version; 0 where there is none.
    """
    features = dialect.features
    prefix, options = features.registry_prefix, features.registry_options
    if found >= tables.VERSION:
        return
    with dialect.own_names(session):
        if found:
            tables.upgrade(session, prefix, features.moment_text, options)
        else:
            tables.create(session, prefix, features.registry_setup, features.serial, features.moment, features.long_text, options)
