"""
The file that holds the schema of the head as SQL, as a value: what it was made from stands in its header.

The header makes it refusable: it names the heads, a hash over what all revisions do, and a hash of the body.
"""

from __future__ import annotations

import hashlib
import re

from lockgate.errors import Failed
from lockgate.graph.fingerprint import fingerprint
from lockgate.graph.revisions import Graph
from lockgate.records import dataclass

FORMAT = 1
STALE = "schema-stale"
AGAIN = "lockgate snapshot --sql"
_HEADER = (
    r"-- lockgate schema file, format (?P<format>\d+); made by `lockgate snapshot --sql`, not to be edited\n"
    r"-- server: (?P<server>[^\n]*)\n"
    r"-- heads: (?P<heads>[^\n]+)\n"
    r"-- revisions: (?P<revisions>[0-9a-f]{64})\n"
    r"-- body: (?P<body>[0-9a-f]{64})\n\n"
)


@dataclass(frozen=True)
class SchemaFile:
    """
    What the file says.

    Args:
        name: path below the project's folder.
        server: product and version that made it, for people.
        heads: rows of the version table.
        revisions: see `source_digest`.
        body: SQL, without transaction control.
    """

    name: str
    server: str
    heads: tuple[str, ...]
    revisions: str
    body: str

    @property
    def text(self) -> str:
        """The whole file."""
        return (
            f"-- lockgate schema file, format {FORMAT}; made by `lockgate snapshot --sql`, not to be edited\n"
            f"-- server: {self.server}\n-- heads: {' '.join(self.heads)}\n-- revisions: {self.revisions}\n"
            f"-- body: {_hash(self.body)}\n\n{self.body}"
        )


def source_digest(graph: Graph, beside: str = "") -> str:
    """
    Hash what every revision does and where it stands; comments, formatting and docstrings do not count.

    Args:
        beside: digest of the files that revisions may read; empty where there is none.
    """
    lines = []
    for id_, revision in sorted(graph.revisions.items()):
        algorithm, _, rest = fingerprint(revision.text).partition(":")
        # A file that is no Python counts as its text.
        does = f"{algorithm}:{rest.partition(':')[0]}" if algorithm else _hash(revision.text)
        lines.append(f"{id_} {' '.join(revision.down_revisions)} | {' '.join(revision.depends_on)} | {does}")
    return _hash("\n".join([*lines, beside] if beside else lines))


def read_schema_file(name: str, text: str, graph: Graph, beside: str = "") -> SchemaFile:
    """
    Read the file and prove that it belongs to these revisions.

    Args:
        name: for errors.
        beside: see `source_digest`.
    Raises:
        Failed: `schema-stale`: edited, of another format, or made from other revisions.
    """
    found = re.match(_HEADER, text)
    if found is None:
        raise stale(f"`{name}` does not begin with the header of a schema file", name)
    if int(found["format"]) != FORMAT:
        raise stale(f"`{name}` has format {found['format']}, this lockgate reads {FORMAT}", name)
    body = text[found.end() :]
    if found["body"] != _hash(body):
        raise stale(f"`{name}` was edited after it was made", name)
    heads = tuple(found["heads"].split())
    if heads != tuple(sorted(graph.effective_heads)):
        now = ", ".join(sorted(graph.effective_heads))
        raise stale(f"`{name}` is of revision {', '.join(heads)}, the head is {now}", name)
    if found["revisions"] != source_digest(graph, beside):
        raise stale(f"the revisions do something else than when `{name}` was made, or a file beside them that they may read was changed", name)
    return SchemaFile(name, found["server"], heads, found["revisions"], body)


def stale(what: str, where: str) -> Failed:
    """The error of a schema file that cannot be used."""
    return Failed(STALE, what, where, AGAIN)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
