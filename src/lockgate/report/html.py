"""
The judgement of a plan as one HTML page that loads nothing.

The page is built as a tree, so that every text is escaped by construction, and its policy forbids everything but its own style sheet.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from lockgate.hazards.findings import Finding, Findings
from lockgate.report.finding_words import UNSEEN, duration_of, headline, place, short, size_of, snippet, statement_of, unseen_lines, waits
from lockgate.report.html_style import STYLE
from lockgate.report.html_timeline import picture
from lockgate.report.table import cell


def html(judged: Findings) -> str:
    """Return the page: the worst finding, the timeline, all other findings, what is allowed, what is not known."""
    page = Element("html", {"lang": "en"})
    _head(SubElement(page, "head"), judged)
    body = SubElement(page, "body")
    _add(body, "h1", f"Plan{f' for {judged.environment}' if judged.environment else ''}: {headline(judged)}")
    if judged.basis:
        _add(body, "p", judged.basis, "basis")
    if judged.findings:
        _card(body, judged.findings[0])
    if judged.timeline:
        SubElement(body, "div", {"class": "picture"}).append(picture(judged.timeline))
    for finding in judged.findings[1:]:
        _card(body, finding)
    _list(body, "Allowed by comments", (f"{a.finding.id} at {place(a.finding)}: {a.reason or 'no reason given'}" for a in judged.allowed))
    _list(body, "Not told: lines that did not run on the copy", judged.not_run)
    _list(body, UNSEEN.capitalize(), unseen_lines(judged))
    text = tostring(page, encoding="unicode", method="html")
    return "<!DOCTYPE html>\n" + text.encode(errors="replace").decode() + "\n"


def _head(head: Element, judged: Findings) -> None:
    SubElement(head, "meta", {"charset": "utf-8"})
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'; base-uri 'none'; form-action 'none'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "meta", {"name": "referrer", "content": "no-referrer"})
    _add(head, "title", f"{headline(judged)} - lockgate")
    SubElement(head, "style").text = STYLE


def _hash(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def _card(body: Element, finding: Finding) -> None:
    card = SubElement(body, "section", {"class": finding.severity.value})
    title = SubElement(card, "h2")
    _add(title, "span", finding.severity.value, "severity")
    _add(title, "span", f"{finding.id} {finding.title}")
    facts = (short(finding.relation), duration_of(finding), size_of(finding))
    _add(card, "p", " · ".join(fact for fact in facts if fact), "facts")
    _add(card, "p", finding.what)
    if waits(finding):
        _add(card, "p", waits(finding))
    _add(card, "p", f"revision {finding.revision}, {place(finding)}", "place")
    if finding.statement:
        _add(card, "pre", statement_of(finding))
    if finding.safer:
        safer = SubElement(card, "details", {"open": "open"} if finding.severity.rank == 0 else {})
        _add(safer, "summary", "the safer way")
        SubElement(safer, "pre").text = snippet(finding)


def _list(body: Element, title: str, texts: Iterable[str]) -> None:
    items = list(texts)
    if items:
        _add(body, "h2", title)
        whole = SubElement(body, "ul")
        for text in items:
            _add(whole, "li", text)


def _add(parent: Element, tag: str, text: str, kind: str = "") -> None:
    if text:
        SubElement(parent, tag, {"class": kind} if kind else {}).text = cell(text)
