"""A statement on its way to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sent:
    """
    One statement.

    Args:
        connection: the driver's.
        doubled: its percent signs are written twice, for drivers whose parameters begin with one.
    """

    sql: str
    cursor: Any
    connection: Any
    autocommit: bool
    doubled: bool = False
