"""Whether revision files and ids are named by the project's pattern."""

from __future__ import annotations

import re

from lockgate.graph.revisions import Graph, Revision

# What `lockgate revision` makes: a second one in the same minute gets a number behind it. Seconds do no harm.
_TIMESTAMP = re.compile(r"\d{8}_\d{4}(\d\d)?(_\d+)?")
_FIELD = re.compile(r"%\((\w+)\)[-#0 +]*(?:\d+)?(?:\.(\d+))?[sd]")
_NUMBERS = {"year": 4, "month": 2, "day": 2, "hour": 2, "minute": 2, "second": 2}


def misnamed(graph: Graph, template: str, timestamps: bool) -> tuple[str, ...]:
    """
    Say which revisions are not named by the pattern.

    Args:
        template: Alembic's `file_template`, for names of files.
        timestamps: ids are `YYYYMMDD_HHMM`, and files are named by the id and what the revision does. Revisions that were there
            before the first id of this form keep theirs, as databases have applied them.
    Returns:
        A line for each, with its file.
    """
    stamped = {id_ for id_ in graph.revisions if timestamps and _TIMESTAMP.fullmatch(id_)}
    wrong = []
    for revision in graph.revisions.values():
        by_time = not stamped.isdisjoint(graph.applied([revision.id]))
        if by_time and revision.id not in stamped:
            wrong.append(f"{revision.file}: its id `{revision.id}` is not of the form `YYYYMMDD_HHMM`")
        elif said := _misnamed_file(revision, template, by_time):
            wrong.append(f"{revision.file}: {said}")
    return tuple(wrong)


def _misnamed_file(revision: Revision, template: str, by_time: bool) -> str:
    pattern = re.escape(revision.id) + r"(_[^/]*)?" if by_time else template_pattern(template, revision.id)
    if re.fullmatch(rf"(.*/)?{pattern}\.py", revision.file):
        return ""
    wanted = f"{revision.id}_what_it_does" if by_time else template.replace("%(rev)s", revision.id).replace("%(slug)s", "what_it_does")
    return f"this file of revision `{revision.id}` should be named `{wanted}.py`"


def template_pattern(template: str, id_: str) -> str:
    """Return the regular expression of the file names that Alembic makes of a template for a revision; a slug may be empty."""
    done, end = "", 0
    for field in _FIELD.finditer(template):
        literal = template[end : field.start()]
        end = field.end()
        if field[1] == "slug" and literal.endswith("_"):
            done += re.escape(literal[:-1]) + r"(_[^/]*)?"
        else:
            done += re.escape(literal) + _part(field[1], id_)
    return done + re.escape(template[end:])


def _part(name: str, id_: str) -> str:
    if name == "rev":
        return re.escape(id_)
    return rf"\d{{{_NUMBERS[name]}}}" if name in _NUMBERS else r"[^/]*"
