"""Our macros make the markup of govuk-frontend: its Jinja port is the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
import pytest
from flask import Flask, render_template_string
from jinja2 import Environment, PackageLoader, PrefixLoader
from werkzeug.datastructures import MultiDict

from tests.support.pages import Page, check
from tests.web.gallery import Form, gallery

PORT = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
OURS_ALONE = {"required", "maxlength", "aria-invalid", "autocomplete"}


@pytest.fixture(scope="module")
def app() -> Flask:
    return gallery()


@pytest.fixture
def english(app: Flask) -> Iterator[None]:
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        yield


def form(**sent: Any) -> Form:
    made = Form(MultiDict(sent) if sent else None, meta={"csrf": False})
    if sent:
        made.validate()
    return made


def ours(call: str, **context: Any) -> Any:
    name = call.split("(")[0]
    source = f'{{% from "components/forms.html" import {name} %}}{{{{ {call} }}}}'
    return tree(render_template_string(source, **context))


def theirs(component: str, params: dict[str, Any]) -> Any:
    macro = "govuk" + "".join(word.capitalize() for word in component.split("-"))
    source = (
        f'{{% from "govuk_frontend_jinja/components/{component}/macro.html" import {macro} %}}{{{{ {macro}(params) }}}}'
    )
    # the port relies on undefined values being falsy, which ours must not
    environment = Environment(loader=PORT, autoescape=True)
    return tree(environment.from_string(source).render(params=params))


def tree(html: str) -> Any:
    """Tags, attributes and words, without what is laid out differently."""
    root = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False).parseFragment(html)
    return [element for child in root for element in walk(child)]


def walk(element: ET.Element, depth: int = 0) -> Iterator[Any]:
    classes = element.get("class", "")
    if "app-required" in classes:
        return
    attributes = {
        "data-aria-controls" if name == "data-reveals" else name: " ".join(sorted(value.split()))
        for name, value in element.attrib.items()
        if name not in OURS_ALONE
    }
    words = " ".join(" ".join([element.text or "", *(child.tail or "" for child in element)]).split())
    yield depth, element.tag, attributes, words
    for child in element:
        yield from walk(child, depth + 1)


@pytest.mark.usefixtures("english")
class TestAgainstTheOracle:
    def test_a_text_input(self) -> None:
        assert ours("text(form.number, width=20)", form=form()) == theirs(
            "input",
            {
                "label": {"text": "Number"},
                "id": "number",
                "name": "number",
                "classes": "govuk-input--width-20",
            },
        )

    def test_a_text_input_with_hint_error_and_affixes(self) -> None:
        sent = form(name="", number="1")
        expected = {
            "label": {"text": "Name"},
            "hint": {"text": "As she wants to be called"},
            "errorMessage": {"text": "This field is required."},
            "id": "name",
            "name": "name",
            "prefix": {"text": "₩"},
            "suffix": {"text": "each"},
        }
        assert ours('text(form.name, prefix="₩", suffix="each")', form=sent) == theirs("input", expected)

    def test_a_typed_value_is_kept(self) -> None:
        sent = form(number="<010> \"1234\" & '5678'")
        expected = {
            "label": {"text": "Number"},
            "id": "number",
            "name": "number",
            "value": sent.number.data,
        }
        assert ours("text(form.number)", form=sent) == theirs("input", expected)

    def test_radios_with_an_error(self) -> None:
        expected = {
            "name": "may_call",
            "idPrefix": "may_call",
            "classes": "govuk-radios--small govuk-radios--inline",
            "fieldset": {"legend": {"text": "May we call her?", "classes": "govuk-fieldset__legend--s"}},
            "errorMessage": {"text": "This field is required."},
            "items": [{"value": "yes", "text": "Yes"}, {"value": "no", "text": "No"}],
        }
        assert ours("radios(form.may_call, inline=true)", form=form(pets="none")) == theirs("radios", expected)

    def test_radios_with_a_further_question(self) -> None:
        call = 'radios(form.may_call, hint="Ask her", hints={"no": "Never"}, conditional={"yes": "Which number?"})'
        expected = {
            "name": "may_call",
            "idPrefix": "may_call",
            "classes": "govuk-radios--small",
            "fieldset": {"legend": {"text": "May we call her?", "classes": "govuk-fieldset__legend--s"}},
            "hint": {"text": "Ask her"},
            "items": [
                {
                    "value": "yes",
                    "text": "Yes",
                    "checked": True,
                    "conditional": {"html": "Which number?"},
                },
                {"value": "no", "text": "No", "hint": {"text": "Never"}},
            ],
        }
        assert ours(call, form=form(name="a", may_call="yes", pets="none")) == theirs("radios", expected)

    def test_checkboxes(self) -> None:
        expected = {
            "name": "needs",
            "idPrefix": "needs",
            "classes": "govuk-checkboxes--small",
            "fieldset": {"legend": {"text": "Needs", "classes": "govuk-fieldset__legend--s"}},
            "items": [
                {"value": "steps", "text": "Step-free"},
                {"value": "cot", "text": "Cot", "checked": True},
            ],
        }
        assert ours("checkboxes(form.needs)", form=form(needs="cot")) == theirs("checkboxes", expected)

    def test_a_select(self) -> None:
        expected = {
            "id": "kind",
            "name": "kind",
            "label": {"text": "Kind"},
            "items": [
                {"value": "family", "text": "Family"},
                {"value": "single", "text": "Single room", "selected": True},
            ],
        }
        assert ours("select(form.kind)", form=form(kind="single")) == theirs("select", expected)

    def test_a_textarea(self) -> None:
        expected = {
            "id": "note",
            "name": "note",
            "rows": "3",
            "label": {"text": "Note"},
            "value": "two\nlines",
        }
        assert ours("textarea(form.note)", form=form(note="two\nlines")) == theirs("textarea", expected)

    def test_the_error_summary(self) -> None:
        expected = {
            "titleText": "There is a problem",
            "errorList": [
                {"text": "That unit was just taken."},
                {"text": "Name: This field is required.", "href": "#name"},
                {"text": "May we call her?: This field is required.", "href": "#may_call"},
            ],
        }
        sent = form(pets="none", kind="family", adults="1", on="2026-03-10", at="10:00", moment="2026-03-10T10:00")
        assert ours('error_summary(form, extra=["That unit was just taken."])', form=sent) == theirs(
            "error-summary", expected
        )

    def test_a_button(self) -> None:
        expected = {"text": "Hold", "type": "submit", "classes": "govuk-button--secondary"}
        assert ours('submit("Hold", style="secondary")') == theirs("button", expected)


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize("path", ["/", "/components", "/signed-out"])
def test_every_macro_keeps_the_rules_of_all_pages(app: Flask, path: str, locale: str) -> None:
    shown = app.test_client().get(path, headers={"Accept-Language": locale})
    check(Page(shown.text))
    assert shown.status_code == 200


def test_a_refused_form_keeps_the_rules_of_all_pages_and_what_was_typed(app: Flask) -> None:
    client = app.test_client()
    sent = Page(client.get("/").text).fields() | {"name": "", "number": "010-1234-5678", "adults": "3"}
    refused = Page(client.post("/", data=sent).text)
    check(refused)
    kept = refused.fields()
    assert (kept["number"], kept["adults"]) == ("010-1234-5678", "3")
    said = refused.by_id("name-error")
    field = refused.by_id("name")
    assert said is not None
    assert field is not None
    assert field.get("aria-describedby") == "name-hint name-error"
    assert field.get("aria-invalid") == "true"


def test_a_form_without_an_error_says_nothing(app: Flask) -> None:
    with app.test_request_context("/"):
        assert ours("error_summary(form)", form=form()) == []


def test_the_key_of_an_act_is_sent_with_its_form(app: Flask) -> None:
    sent = Page(app.test_client().get("/").text).fields()
    assert "once" in sent
    assert "csrf_token" in sent
