"""
Bytes of a seed's file -> valid UTF-8, text, or lines, as they stream past.

Every seed goes through here, so this is where a wrong encoding is found, with its line. UTF-8 is checked and handed on as it
is; only other encodings are written anew.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockgate.errors import UsageError

_BOM = "\ufeff"
_LINE_END = re.compile(r"\r?\n|\r(?=[^\n])")
_SHOWN_BYTES = 4
# Encodings whose every text is the same bytes in UTF-8.
_SAME_BYTES = ("utf-8", "utf-8-sig", "ascii")


@dataclass
class _Decoder:
    """Decodes block by block, and knows the line of what it cannot decode."""

    encoding: str
    where: str
    line: int = 1
    _first: bool = True

    def __post_init__(self) -> None:
        name = codecs.lookup(self.encoding).name
        self.same_bytes = name in _SAME_BYTES
        # The byte order mark is dropped here, for every encoding alike.
        self._decoder = codecs.getincrementaldecoder("utf-8" if name == "utf-8-sig" else name)()

    def text(self, block: bytes, final: bool = False) -> str:
        try:
            text = self._decoder.decode(block, final)
        except UnicodeError as error:
            raise self._explained(error) from error
        if self._first and text:
            text, self._first = text.removeprefix(_BOM), False
        return text

    def _explained(self, error: UnicodeError) -> UsageError:
        line, shown = self.line, ""
        if isinstance(error, UnicodeDecodeError):
            before = bytes(error.object[: error.start])
            line += before.decode(self.encoding, "ignore").count("\n")
            shown = " " + " ".join(f"0x{byte:02x}" for byte in error.object[error.start : error.start + _SHOWN_BYTES])
        hint = 'save the file as UTF-8, or say what it is: `encoding = "cp1252"`, `"gb18030"`, `"utf-16"` …'
        return UsageError("seed-file", f"the bytes{shown} are not valid {self.encoding}", f"{self.where}:{line}", hint)


def text_of(blocks: Iterable[bytes], encoding: str = "utf-8", where: str = "") -> Iterator[str]:
    """
    Decode a file piece by piece; line ends stay as they are, a byte order mark goes.

    Args:
        blocks: the file from its beginning, cut anywhere.
        where: the file's path, for errors.
    Raises:
        UsageError: `seed-file`, with the line of the first bytes that are not of this encoding.
    """
    decoder = _Decoder(encoding, where)
    for block in blocks:
        if text := decoder.text(block):
            yield text
            decoder.line += text.count("\n")
    if text := decoder.text(b"", final=True):
        yield text


def utf8_of(blocks: Iterable[bytes], encoding: str = "utf-8", where: str = "") -> Iterator[bytes]:
    """
    Hand a file on as UTF-8 without a byte order mark; the blocks of a UTF-8 file are checked and passed on uncopied.

    Raises:
        UsageError: `seed-file`, as `text_of()`; what came before that block has been handed on by then.
    """
    decoder = _Decoder(encoding, where)
    if not decoder.same_bytes:
        yield from (text.encode() for text in text_of(blocks, encoding, where))
        return
    for block in _without_mark(iter(blocks)):
        decoder.text(block)
        yield block
        decoder.line += block.count(b"\n")
    decoder.text(b"", final=True)


def _without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for block in blocks:
        head += block
        if len(head) >= len(codecs.BOM_UTF8):
            break
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from blocks


def lines_of(texts: Iterable[str]) -> Iterator[str]:
    """Cut text into lines, each with its line end; the file's first line end decides whether a lone `\\r` is one. Pieces may be cut anywhere."""
    rest, end = "", ""
    for text in texts:
        rest += text
        end = end or _line_end(rest)
        if end:
            *whole, rest = rest.split(end)
            yield from (line + end for line in whole)
    if rest:
        yield rest


def _line_end(text: str) -> str:
    """Return `\\n` or a lone `\\r`; empty where that cannot be told yet."""
    found = _LINE_END.search(text)
    return found[0][-1] if found else ""
