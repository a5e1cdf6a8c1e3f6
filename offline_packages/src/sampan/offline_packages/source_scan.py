"""Reading the sources of an app for what the container will not let it do: undeclared domains, code that a
strict Content-Security-Policy blocks, WebRTC (which leaks past the policy).

These are hints with file and line, not a wall: code can build any name at run time, and the wall is the
container's policy. Every pattern is linear, and each file is told about a rule once with a count.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from sampan.offline_packages.findings import MAX_FINDINGS_PER_FILE, Finding, Lines, Severity, findings_cut
from sampan.offline_packages.html_tags import Tag, start_tags
from sampan.offline_packages.refusals import printable

SCRIPTS = frozenset({"js", "mjs", "cjs"})
PAGES = frozenset({"html", "htm", "xhtml"})
STYLES = frozenset({"css"})
SCANNED = SCRIPTS | PAGES | STYLES
_HOST = r"([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,10})"
_URL = re.compile(rf"://{_HOST}")
_SCHEMES = ("http", "https", "ws", "wss")
_NO_SCHEME = re.compile(rf"[\"'`(=]//{_HOST}(?=[/\"'`):?#])")
_NAMESPACES = frozenset({"www.w3.org", "schema.org", "json-schema.org", "ns.adobe.com", "purl.org"})
"""Hosts that stand in names of XML and JSON vocabularies, which nobody fetches."""
_WEBRTC = re.compile("RTCPeerConnection|RTCDataChannel|RTCIceTransport")
_EVAL = re.compile(r"\beval\s{0,8}\(|\bnew\s{1,8}Function\s{0,8}\(|\bset(?:Timeout|Interval)\s{0,4}\(\s{0,4}[\"'`]")
_LOADED = {
    "script": "src", "link": "href", "img": "src", "iframe": "src", "form": "action", "source": "src",
    "video": "src", "audio": "src", "embed": "src", "object": "data", "base": "href", "image": "href",
}  # fmt: skip
_DATA_SCRIPTS = frozenset({"application/json", "application/ld+json", "text/template", "text/x-template", "text/html"})


class _Hit(Struct, frozen=True):
    code: str
    severity: Severity
    position: int
    what: str
    sentence: str


def scan_source(path: str, text: str, domains: Collection[str]) -> list[Finding]:
    """Return the findings of one source file; `domains` are those that the manifest declares."""
    extension = path.rpartition(".")[2].lower()
    tally = _Tally()
    tally.add(_domain_hits(text, domains))
    tally.add(_pattern_hits(text, _WEBRTC, _webrtc))
    if extension in PAGES:
        tally.add(hit for tag in start_tags(text) for hit in _tag_hits(tag, domains))
    if extension in SCRIPTS:
        tally.add(_pattern_hits(text, _EVAL, _eval))
    return tally.findings(path, text)


def covers(domains: Collection[str], host: str) -> bool:
    """Whether a declared domain (`host`, `*.host`, either with a port) covers `host`."""
    for domain in domains:
        name = domain.partition(":")[0]
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return True
    return False


class _Tally:
    """Keeps the first place of each finding and a count; memory stays small whatever the file holds."""

    def __init__(self) -> None:
        self._firsts: dict[tuple[str, str], _Hit] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._is_cut = False

    def add(self, hits: Iterable[_Hit]) -> None:
        """Take hits of one kind."""
        for hit in hits:
            key = (hit.code, hit.what)
            first = self._firsts.get(key)
            if first is None and len(self._firsts) >= MAX_FINDINGS_PER_FILE:
                self._is_cut = True
                continue
            self._counts[key] += 1
            if first is None or hit.position < first.position:
                self._firsts[key] = hit

    def findings(self, path: str, text: str) -> list[Finding]:
        """Return what was found, by line."""
        lines = Lines(text)
        found = []
        for key, hit in sorted(self._firsts.items(), key=lambda item: item[1].position):
            more = f" ({self._counts[key]} places in this file.)" if self._counts[key] > 1 else ""
            line = lines.at(hit.position)
            message = hit.sentence + more
            found.append(Finding(code=hit.code, severity=hit.severity, message=message, file=path, line=line))
        return [*found, findings_cut(path)] if self._is_cut else found


def _domain_hits(text: str, domains: Collection[str]) -> Iterator[_Hit]:
    for match in _URL.finditer(text):
        before = text[max(0, match.start() - 5) : match.start()].lower()
        if before.endswith(_SCHEMES):
            yield from _domain_hit(match[1].lower(), match.start(), domains)
    for match in _NO_SCHEME.finditer(text):
        if "." in match[1]:
            yield from _domain_hit(match[1].lower(), match.start(), domains)


def _domain_hit(host: str, position: int, domains: Collection[str]) -> Iterator[_Hit]:
    if host not in _NAMESPACES and not covers(domains, host):
        sentence = f"{host} is not among the declared domains; the container blocks calls to it."
        yield _Hit("domain_undeclared", Severity.WARNING, position, host, sentence)


def _pattern_hits(text: str, pattern: re.Pattern[str], make: Callable[[int], _Hit]) -> Iterator[_Hit]:
    return (make(match.start()) for match in pattern.finditer(text))


def _webrtc(position: int) -> _Hit:
    sentence = "WebRTC is not allowed: it opens connections that the container's policy cannot see. Remove it."
    return _Hit("webrtc_used", Severity.ERROR, position, "", sentence)


def _eval(position: int) -> _Hit:
    sentence = "eval, new Function and timers with text are blocked by the container; call a function instead."
    return _Hit("csp_eval", Severity.WARNING, position, "", sentence)


def _tag_hits(tag: Tag, domains: Collection[str]) -> Iterator[_Hit]:
    kind = tag.attributes.get("type", "").strip().lower()
    if tag.name == "script" and "src" not in tag.attributes and tag.text.strip() and kind not in _DATA_SCRIPTS:
        sentence = "The container blocks scripts inside a page; move this one into a .js file of the package."
        yield _Hit("csp_inline_script", Severity.ERROR, tag.position, "", sentence)
    for name, value in tag.attributes.items():
        plain = "".join(html.unescape(value[:200]).split()).lower()
        if name.startswith("on") and name[2:].isalpha() and value.strip():
            sentence = "The container blocks handlers in attributes (onclick=...); use addEventListener."
            yield _Hit("csp_inline_handler", Severity.ERROR, tag.position, "", sentence)
        elif plain.startswith("javascript:"):
            sentence = "The container blocks javascript: addresses; use a button and addEventListener."
            yield _Hit("csp_javascript_url", Severity.ERROR, tag.position, "", sentence)
        elif name == "srcdoc" and value.strip():
            sentence = "The container blocks scripts in srcdoc; show a page of the package instead."
            yield _Hit("csp_srcdoc", Severity.WARNING, tag.position, "", sentence)
        elif name == _LOADED.get(tag.name):
            yield from _loaded_hit(plain, tag, domains)


def _loaded_hit(address: str, tag: Tag, domains: Collection[str]) -> Iterator[_Hit]:
    match = re.match(rf"(?:https?:)?//{_HOST}", address)
    if match and (tag.name in ("script", "base") or not covers(domains, match[1])):
        host = printable(match[1])
        sentence = f"<{tag.name}> loads from {host}; a page loads from its own package, so bring the file along."
        yield _Hit("external_resource", Severity.ERROR, tag.position, host, sentence)
