"""Whose SQL a seed is written in."""

from __future__ import annotations

import enum


class Grammar(enum.Enum):
    """Whose SQL a script is written in."""

    POSTGRES = "PostgreSQL"
    SQLITE = "SQLite"
    MYSQL = "MySQL"
