"""What a script of one's own does to load a CSV: `python sqlalchemy_load.py URL TABLE FILE`, `insert()` in batches of 10,000."""

import csv
import itertools
import sys
from datetime import date
from pathlib import Path

import sqlalchemy as sa


def main() -> None:
    """Load it."""
    url, table, path = sys.argv[1:]
    engine = sa.create_engine(url)
    with Path(path).open(newline="", encoding="utf-8") as file, engine.begin() as connection:
        target = sa.Table(table, sa.MetaData(), autoload_with=connection)
        reader = csv.DictReader(file)
        while batch := list(itertools.islice(reader, 10_000)):
            connection.execute(sa.insert(target), [_typed(row) for row in batch])


def _typed(row: dict[str, str]) -> dict[str, object]:
    numbers = {"id": int(row["id"]), "qty": int(row["qty"]), "active": row["active"] == "true"}
    return {**row, **numbers, "created": date.fromisoformat(row["created"]), "note": row["note"] or None}


if __name__ == "__main__":
    main()
