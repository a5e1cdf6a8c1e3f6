"""A small HTML tokenizer after the WHATWG one: start tags with attributes, and the text of scripts and styles.

Every step moves forward and what is not closed ends the scan, so it is linear in hostile input too. (The
standard library's parser rescans unclosed constructs, which is quadratic.)
"""

import re
from collections.abc import Iterator

from msgspec import Struct

_TAG_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_SPACE = re.compile(r"[\s/]*")
_ATTRIBUTE_NAME = re.compile(r"=?[^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_UNQUOTED = re.compile(r"[^\s>]*")
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "iframe", "noembed", "xmp")
}


class Tag(Struct, frozen=True):
    """One start tag; `text` is what stands up to the end tag, for elements whose content is raw text."""

    name: str
    attributes: dict[str, str]
    position: int
    text: str = ""


def start_tags(html: str) -> Iterator[Tag]:
    """Yield the start tags of a page in their order, names in lower case."""
    position = html.find("<")
    while position >= 0:
        if html.startswith("<!--", position):
            position = _after(html, "-->", position + 4)
        elif html.startswith(("<!", "<?", "</"), position):
            position = _after(html, ">", position + 2)
        elif name := _TAG_NAME.match(html, position + 1):
            attributes, end = _attributes(html, name.end())
            if end < 0:
                return
            tag = name[0].lower()
            text_end = _raw_text_end(html, tag, end)
            yield Tag(tag, attributes, position, html[end:text_end])
            position = text_end
        else:
            position += 1
        position = html.find("<", position) if position >= 0 else -1


def _after(html: str, ending: str, position: int) -> int:
    found = html.find(ending, position)
    return -1 if found < 0 else found + len(ending)


def _raw_text_end(html: str, tag: str, position: int) -> int:
    if tag not in _RAW_TEXT:
        return position
    end = _RAW_TEXT[tag].search(html, position)
    return end.start() if end else len(html)


def _attributes(html: str, position: int) -> tuple[dict[str, str], int]:
    """Return the attributes and the position after `>`, or -1 when the tag is never closed."""
    attributes: dict[str, str] = {}
    while True:
        position = _end(_SPACE, html, position)
        if position >= len(html):
            return attributes, -1
        if html[position] == ">":
            return attributes, position + 1
        name_end = _end(_ATTRIBUTE_NAME, html, position)
        name = html[position:name_end].lower()
        value, position = "", name_end
        if equals := _EQUALS.match(html, position):
            value, position = _value(html, equals.end())
            if position < 0:
                return attributes, -1
        attributes.setdefault(name, value)


def _value(html: str, position: int) -> tuple[str, int]:
    quote = html[position : position + 1]
    if quote in ('"', "'"):
        end = html.find(quote, position + 1)
        return ("", -1) if end < 0 else (html[position + 1 : end], end + 1)
    end = _end(_UNQUOTED, html, position)
    return html[position:end], end


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
