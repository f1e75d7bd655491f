"""
Text of revision files -> revision graph, without importing them: a look must not run anybody's code.

What the files write as plain literals is read from their syntax trees, under Alembic's own rules.
"""

from lockgate.graph.fingerprint import Edited, edited, fingerprint
from lockgate.graph.header import is_revision_file
from lockgate.graph.read import check_syntax, read_graph
from lockgate.graph.revisions import Graph, Revision, check_single_head, check_target, describe_heads
from lockgate.graph.schema_file import SchemaFile, read_schema_file, source_digest, stale

__all__ = [
    "Edited",
    "Graph",
    "Revision",
    "SchemaFile",
    "check_single_head",
    "check_syntax",
    "check_target",
    "describe_heads",
    "edited",
    "fingerprint",
    "is_revision_file",
    "read_graph",
    "read_schema_file",
    "source_digest",
    "stale",
]
