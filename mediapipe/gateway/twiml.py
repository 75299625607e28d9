"""Makes the relative URLs in the TwiML of an app absolute, because Twilio gets it from our URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit
from xml.parsers import expat
from xml.sax.saxutils import escape

# On Twilio's verbs and nouns: action, statusCallback, recordingStatusCallback, waitUrl and so on.
URL_ATTRIBUTE = re.compile(r"action|url|.*(?:Callback|Url)")
URL_ELEMENTS = {"Redirect", "Media", "Play"}
TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
ATTRIBUTE = re.compile(rb"""\s([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class NoTwiml(Exception):
    """The document is not TwiML; the message says why."""


def with_absolute_urls(body: bytes, base: str) -> bytes:
    """Return the document with each relative URL resolved against `base`, else unchanged.

    Raises NoTwiml if the document is not well-formed, if its root is not Response, if it declares a
    document type or entities, which could expand a few bytes to gigabytes, or if it is in UTF-16 or
    another encoding in which markup is not ASCII.
    """
    if b"\0" in body:
        raise NoTwiml("it is not in an encoding with ASCII")
    reading = _Reading(body, base)
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: reading.start(
        name, attributes, parser.CurrentByteIndex
    )
    parser.CharacterDataHandler = reading.text
    parser.EndElementHandler = lambda name: reading.end(name, parser.CurrentByteIndex)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise NoTwiml(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except (ValueError, LookupError):
        # Apart from Unicode, Python's expat supports only encodings of one byte per character.
        raise NoTwiml("its encoding is not supported") from None
    return reading.edited()


def _refuse_doctype(*_: object) -> None:
    raise NoTwiml("it declares a document type")


@dataclass(slots=True)
class _Reading:
    """Collects the replacements: `edits` are the start, the end (exclusive) and the new bytes."""

    body: bytes
    base: str
    depth: int = 0
    # Where the content of the innermost open element begins, and its text so far.
    begins: int = 0
    content: str = ""
    edits: list[tuple[int, int, bytes]] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str], index: int) -> None:
        if self.depth == 0 and name != "Response":
            raise NoTwiml("its root is not Response")
        self.depth += 1
        self.content = ""
        if tag := TAG.match(self.body, index):
            self.begins = tag.end()
            for match in ATTRIBUTE.finditer(self.body, index, tag.end()):
                self._attribute(match, attributes)

    def text(self, data: str) -> None:
        self.content += data

    def end(self, name: str, index: int) -> None:
        self.depth -= 1
        url = self.content.strip()
        if name in URL_ELEMENTS and url and self._is_relative(url):
            self._edit(self.begins, index, url)
        self.content = ""

    def edited(self) -> bytes:
        whole, end = b"", 0
        for start, stop, new in self.edits:
            whole += self.body[end:start] + new
            end = stop
        return whole + self.body[end:]

    def _attribute(self, match: re.Match[bytes], attributes: dict[str, str]) -> None:
        name = match[1].decode(errors="replace")
        value = attributes.get(name, "")
        if URL_ATTRIBUTE.fullmatch(name) and value and self._is_relative(value):
            group = 3 if match[2] is None else 2
            self._edit(match.start(group), match.end(group), value)

    def _edit(self, start: int, stop: int, url: str) -> None:
        absolute = escape(urljoin(self.base, url), {'"': "&quot;", "'": "&apos;"})
        # Character references are the same in every encoding that contains ASCII.
        self.edits.append((start, stop, absolute.encode("ascii", "xmlcharrefreplace")))

    def _is_relative(self, url: str) -> bool:
        try:
            return not urlsplit(url).scheme
        except ValueError:
            return False
