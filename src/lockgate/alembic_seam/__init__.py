"""Everything that touches Alembic; the only room that imports it."""
