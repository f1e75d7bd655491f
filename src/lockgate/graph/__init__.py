"""
Text of revision files -> revision graph, without importing them: a look must not run anybody's code.

What the files write as plain literals is read from their syntax trees, under Alembic's own rules.
"""

from lockgate.graph.fingerprint import Edited, edited, fingerprint, known_trees, learn_trees
from lockgate.graph.header import Header, is_revision_file
from lockgate.graph.read import build_graph, check_syntax, read_graph, read_headers
from lockgate.graph.revisions import Graph, Later, Revision, Summary, check_single_head, check_target, describe_heads
from lockgate.graph.schema_file import SchemaFile, read_schema_file, source_digest, stale

__all__ = [
    "Edited",
    "Graph",
    "Header",
    "Later",
    "Revision",
    "SchemaFile",
    "Summary",
    "build_graph",
    "check_single_head",
    "check_syntax",
    "check_target",
    "describe_heads",
    "edited",
    "fingerprint",
    "is_revision_file",
    "known_trees",
    "learn_trees",
    "read_graph",
    "read_headers",
    "read_schema_file",
    "source_digest",
    "stale",
]
