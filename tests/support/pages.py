"""What every page must hold, checked on every HTML response of every test by the test client itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
from flask import got_request_exception
from flask.testing import FlaskClient
from html5lib.html5parser import ParseError
from werkzeug.test import TestResponse

from tests.support.statements import count_statements

LABELLED_BY_THEIR_VALUE = {"hidden", "submit", "button", "reset", "image"}
CSRF_FIELD = "csrf_token"
# A look at a record is itself recorded, and a look keeps a session alive; GET writes nothing else.
WRITTEN_BY_GET = {"audit_entry", "audit_head", "sign_in_session"}
WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)


class PageError(AssertionError):
    """A page breaks a rule that all pages keep."""


class Page:
    """A parsed HTML response, with the few questions page tests ask. `root` is an element tree."""

    def __init__(self, html: str, *, is_fragment: bool = False) -> None:
        parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False)
        self.html, self.is_fragment = html, is_fragment
        try:
            self.root: ET.Element = parser.parseFragment(html) if is_fragment else parser.parse(html)
        except ParseError as invalid:
            line = parser.tokenizer.stream.position()[0]
            near = "\n".join(html.splitlines()[max(0, line - 3) : line + 1])
            raise PageError(f"not valid HTML at line {line}: {invalid}\n{near}") from invalid

    def all(self, *tags: str) -> list[ET.Element]:
        return [element for element in self.root.iter() if element.tag in tags]

    def by_id(self, name: str) -> ET.Element | None:
        return next((e for e in self.root.iter() if e.get("id") == name), None)

    @property
    def text(self) -> str:
        """Everything that can be read, with single spaces."""
        return spoken(self.root)

    @property
    def h1(self) -> str:
        return spoken(self.all("h1")[0])

    @property
    def title(self) -> str:
        return spoken(self.all("title")[0])

    def links(self) -> dict[str, str]:
        """Address by text; of links with one text the last."""
        return {spoken(a): a.get("href", "") for a in self.all("a")}

    def rows(self) -> list[list[str]]:
        """Every table row as the texts of its cells."""
        return [[spoken(cell) for cell in row if cell.tag in ("td", "th")] for row in self.all("tr")]

    def fields(self, form: ET.Element | None = None) -> dict[str, Any]:
        """What a browser would send for the form unchanged: the only POST form by default."""
        if form is None:
            inside = (self.all("main") or [self.root])[0]  # the header has forms of its own
            forms = [f for f in inside.iter("form") if f.get("method", "").lower() == "post"]
            assert len(forms) == 1, f"{len(forms)} POST forms: say which"
            form = forms[0]
        sent: dict[str, Any] = {}
        for element in form.iter():
            name, kind = element.get("name"), element.get("type", "text").lower()
            if not name or element.get("disabled") is not None:
                continue
            match element.tag:
                case "input" if kind in ("submit", "button", "image", "file"):
                    continue
                case "input" if kind in ("checkbox", "radio"):
                    if element.get("checked") is not None:
                        _add(sent, name, element.get("value", "on"))
                case "input":
                    _add(sent, name, element.get("value", ""))
                case "textarea":
                    _add(sent, name, (element.text or "").removeprefix("\n"))
                case "select":
                    options = list(element.iter("option"))
                    chosen = [o for o in options if o.get("selected") is not None]
                    if not chosen and element.get("multiple") is None:
                        chosen = options[:1]
                    for option in chosen:
                        _add(sent, name, option.get("value", spoken(option)))
        return sent


def _add(sent: dict[str, Any], name: str, value: str) -> None:
    """One value as text, several of one name as a list, as werkzeug's client takes them."""
    if name not in sent:
        sent[name] = value
    elif isinstance(sent[name], list):
        sent[name].append(value)
    else:
        sent[name] = [sent[name], value]


def spoken(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def check(page: Page) -> None:
    """Raises PageError with every rule the page breaks."""
    broken = [*_structure(page), *_names(page), *_inline(page), *_forms(page)]
    if broken:
        raise PageError("\n".join(broken))


def _structure(page: Page) -> list[str]:
    broken = []
    counted = Counter(e.get("id") for e in page.root.iter() if e.get("id") is not None)
    broken += [f"id {name!r} is on {n} elements" for name, n in counted.items() if n > 1]
    broken += ["an id is empty"] * (counted[""] > 0)
    if page.is_fragment:
        return broken
    headings, titles = page.all("h1"), page.all("title")
    if len(headings) != 1:
        broken.append(f"{len(headings)} h1 elements, not one")
    elif not titles or not spoken(titles[0]).startswith(_own_text(headings[0])):
        said = spoken(titles[0]) if titles else None
        broken.append(f"the title {said!r} does not begin with the h1 {_own_text(headings[0])!r}")
    if page.root.get("lang") not in ("ko", "en"):
        broken.append("<html> does not say its language")
    return broken


def _own_text(heading: ET.Element) -> str:
    """The heading without what is only for screen readers."""
    hidden = [spoken(e) for e in heading.iter() if "visually-hidden" in e.get("class", "")]
    text = spoken(heading)
    for words in hidden:
        text = text.replace(words, "", 1)
    return " ".join(text.split())


def _names(page: Page) -> list[str]:
    """Inputs without a name a screen reader can say, and references to ids that are not there."""
    ids = {e.get("id") for e in page.root.iter()}
    labelled = {label.get("for") for label in page.all("label")}
    wrapped = {id(e) for label in page.all("label") for e in label.iter() if e is not label}
    broken = []
    for element in page.all("input", "select", "textarea"):
        if element.tag == "input" and element.get("type", "").lower() in LABELLED_BY_THEIR_VALUE:
            continue
        named = element.get("aria-label") or element.get("aria-labelledby") or id(element) in wrapped
        if not named and element.get("id") not in labelled:
            broken.append(f"<{element.tag} name={element.get('name')!r}> has no label")
    if page.is_fragment:
        return broken
    for element in page.root.iter():
        for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "headers", "list"):
            for name in element.get(attribute, "").split():
                if name not in ids:
                    broken.append(f"<{element.tag} {attribute}={name!r}> names an id that is not there")
    for image in page.all("img"):
        if image.get("alt") is None:
            broken.append(f"<img src={image.get('src')!r}> has no alt")
    return broken


def _inline(page: Page) -> list[str]:
    """What the Content-Security-Policy would block."""
    broken = ["a <style> element"] * len(page.all("style"))
    for script in page.all("script"):
        if not script.get("src") and script.get("type") not in ("application/json", "text/template"):
            broken.append("an inline <script>")
    for element in page.root.iter():
        for attribute, value in element.attrib.items():
            if attribute == "style" or attribute.startswith("on"):
                broken.append(f"<{element.tag} {attribute}=…> is inline")
            if attribute in ("href", "src", "action", "formaction") and value.strip().lower().startswith(
                ("javascript:", "data:")
            ):
                broken.append(f"<{element.tag} {attribute}={value[:20]!r}…>")
    return broken


def _forms(page: Page) -> list[str]:
    broken = []
    for form in page.all("form"):
        method = form.get("method", "").lower()
        named = f"form {form.get('id') or form.get('action')!r}"
        if not form.get("action"):
            broken.append(f"{named} has no action")
        if method not in ("get", "post"):
            broken.append(f"{named} does not say its method")
        names = [e.get("name") for e in form.iter("input")]
        if method == "post" and CSRF_FIELD not in names:
            broken.append(f"{named} has no CSRF token")
        if method == "get" and CSRF_FIELD in names:
            broken.append(f"{named} would put its CSRF token into the address")
        if form.get("autocomplete") != "off" and _has_something_to_tell(form):
            broken.append(f"{named} is kept in the browser's profile")
        if any(f is not form for f in form.iter("form")):
            broken.append(f"{named} has a form inside")
    for button in page.all("button"):
        if not button.get("type"):
            broken.append(f"<button>{spoken(button)}</button> does not say its type")
    return broken


def _has_something_to_tell(form: ET.Element) -> bool:
    controls = [e for e in form.iter() if e.tag in ("input", "select", "textarea")]
    return any(e.get("type") != "hidden" for e in controls)


def check_headers(response: TestResponse) -> None:
    """What every page sends beside its text."""
    policy = response.headers.get("Content-Security-Policy", "")
    broken = []
    if "default-src 'none'" not in policy:
        broken.append(f"Content-Security-Policy does not start from nothing: {policy!r}")
    broken += [f"Content-Security-Policy allows {w}" for w in ("unsafe-", "data:", "*", "http:") if w in policy]
    if "no-store" not in response.headers.get("Cache-Control", ""):
        broken.append(f"Cache-Control is {response.headers.get('Cache-Control')!r}, not no-store")
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        broken.append("X-Content-Type-Options is not nosniff")
    if response.headers.get("Referrer-Policy") != "no-referrer":
        broken.append("Referrer-Policy is not no-referrer")
    if broken:
        raise PageError("\n".join(broken))


class PageClient(FlaskClient):
    """Checks every answer it gets: pages as above, no crash, and that reading changed nothing."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        crashes: list[BaseException] = []

        def note(_app: Any, exception: BaseException, **_: Any) -> None:
            crashes.append(exception)

        with count_statements() as statements, got_request_exception.connected_to(note, self.application):
            response = super().open(*args, **kwargs)
        asked = f"{response.request.method} {response.request.path} → {response.status}"
        if crashes:
            raise PageError(asked) from crashes[0]
        if response.request.method in ("GET", "HEAD"):
            written = {found[1].lower() for said in statements.said if (found := WRITES.match(said))}
            if not written <= WRITTEN_BY_GET:
                raise PageError(f"{asked}\nreading wrote to {sorted(written - WRITTEN_BY_GET)}")
        if response.mimetype == "text/html":
            try:
                check_headers(response)
                if response.data:
                    check(page_of(response))
            except PageError as broken:
                raise PageError(f"{asked}\n{broken}") from None
        return response


def page_of(response: TestResponse) -> Page:
    """The parsed page of an HTML response."""
    is_partial = "HX-Request" in response.request.headers and "<html" not in response.text[:200]
    return Page(response.text, is_fragment=is_partial)
