"""Tiny projects with seeds, seeded in the test's own process."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from building import SETTINGS, Database, Tiny

from lockgate.secret import DatabaseUrl


@dataclass
class Seeding:
    """A migrated database of environment dev, and the project that seeds it."""

    project: Tiny
    database: Database

    def seeds(self, *seeds: str, settings: str = SETTINGS) -> Seeding:
        """Write the `[[seeds]]`; those that say no environment are for dev."""
        named = [seed if "environments" in seed else f'environments = ["dev"]\n{seed}' for seed in seeds]
        self.project.settings(settings + "".join(f"\n[[seeds]]\n{seed}\n" for seed in named))
        return self

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project, packed where its name ends in `.gz`."""
        path = self.project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
        return path

    def seed(self, *arguments: str, check: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call `lockgate seed dev`."""
        return self.project.here("seed", "dev", *arguments, check=check, **variables)

    def done(self, *arguments: str, **variables: str) -> list[dict[str, Any]]:
        """What `--json` says of each file."""
        document = json.loads(self.seed(*arguments, "--json", **variables).stdout)
        files: list[dict[str, Any]] = document["seeds"]
        return files

    def hows(self, *arguments: str, **variables: str) -> list[str]:
        """How it went with each file."""
        return [file["how"] for file in self.done(*arguments, **variables)]

    def refused(self, status: int, code: str, *parts: str, **variables: str) -> str:
        """Seed, which must fail with these words and a hint, and change nothing but the ledger; returns what was said."""
        before = self.database.contents()
        said = self.seed(check=status, **variables).stderr
        for part in (f"code: {code},", "changed: nothing", "hint: ", *parts):
            assert part in said, f"{part}\n{said}"
        assert self.database.contents() == before
        return said


def seeding(project: Tiny, url: DatabaseUrl, *ddl: str) -> Seeding:
    """Migrate an empty database with these statements; there are no seeds yet."""
    project.settings(SETTINGS)
    project.revision("r1", None, "\n".join(f"op.execute(sa.text({statement!r}))" for statement in ddl))
    project.point("dev", url).here("upgrade", "dev", check=0)
    return Seeding(project, Database(url))
