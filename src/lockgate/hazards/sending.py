"""Queries of applications in words: how many, how often."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.hazards.answers import Query, Workload


def shapes(number: int, workload: Workload) -> str:
    """Return `2 of 310 known queries`."""
    return f"{number:,} of {workload.known:,} known quer{'y' if workload.known == 1 else 'ies'}"


def calls(queries: Sequence[Query], workload: Workload) -> str:
    """Return `, 812 calls/h`; how many where it is not known since when; nothing where nobody counted."""
    number = sum(query.calls for query in queries)
    if any(query.calls < 0 for query in queries):
        return ""
    if workload.hours <= 0:
        return f", {number:,} calls so far"
    an_hour = number / max(workload.hours, 1.0)  # a rate from less than an hour would be a guess
    return f", {an_hour:,.0f} call{'s' * (round(an_hour) != 1)}/h" if an_hour >= 1 else f", {number:,} calls in {workload.hours:,.0f} h"


def broken(queries: Sequence[Query], workload: Workload) -> str:
    """Return `2 of 310 known queries fail, 812 calls/h: SELECT ...`."""
    fails = "fails" if len(queries) == 1 else "fail"
    return f"{shapes(len(queries), workload)} {fails}{calls(queries, workload)}: `{queries[0].text}`"
