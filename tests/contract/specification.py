"""The vendored slice of Twilio's specification, and what it says about a request or an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

FILE = Path(__file__).parent / "twilio_messages.json"
LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
ONE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
FORM = "application/x-www-form-urlencoded"
ANSWER = "application/json"

formats = FormatChecker(formats=())


@formats.checks("date-time")
def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@formats.checks("phone-number")
def _is_phone_number(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"\+[1-9]\d{6,14}", value) is not None


@formats.checks("uri")
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme in ("http", "https") and parts.hostname and "_" not in parts.hostname)


@formats.checks("date-time-rfc-2822")
def _is_rfc_2822(value: object) -> bool:
    pattern = r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


@cache
def specification() -> dict[str, Any]:
    return _with_null(json.loads(FILE.read_text()))


def _with_null(part: Any) -> Any:
    """OpenAPI 3.0 says `nullable`, JSON Schema a type beside others."""
    if isinstance(part, list):
        return [_with_null(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _with_null(value) for key, value in part.items()}
    if made.pop("nullable", False) is True and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def faults_of_form(form: Mapping[str, str]) -> list[str]:
    """What is wrong with the fields of a POST that creates a message."""
    operation = specification()["paths"][LIST]["post"]
    schema = operation["requestBody"]["content"][FORM]["schema"]
    faults = _faults(_coerced(form, schema["properties"]), schema, is_closed=True)
    sent = {_snake(name) for name in form}
    for alternatives in operation["x-twilio"]["conditional"]:
        if not sent & set(alternatives):
            faults.append(f"one of {alternatives} is missing")
    return faults


def faults_of_query(path: str, query: Mapping[str, str]) -> list[str]:
    """What is wrong with the query of a GET."""
    known = {p["name"]: p["schema"] for p in specification()["paths"][path]["get"]["parameters"] if p["in"] == "query"}
    return _faults(_coerced(query, known), {"type": "object", "properties": known}, is_closed=True)


def faults_of_path(path: str, values: Mapping[str, str]) -> list[str]:
    parameters = specification()["paths"][path]["get"]["parameters"]
    known = {p["name"]: p["schema"] for p in parameters if p["in"] == "path"}
    return _faults(dict(values), {"type": "object", "properties": known}, is_closed=True)


def faults_of_answer(path: str, method: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer of the double itself."""
    schema = specification()["paths"][path][method]["responses"][str(status)]["content"][ANSWER]["schema"]
    return _faults(body, schema, is_closed=False)


def _faults(value: Any, schema: dict[str, Any], *, is_closed: bool) -> list[str]:
    whole = {**schema, "components": specification()["components"]}
    if is_closed:
        whole["additionalProperties"] = False
    found = Draft202012Validator(whole, format_checker=formats).iter_errors(value)
    return [f"{'.'.join(str(p) for p in error.path) or 'request'}: {error.validator}" for error in found]


def _coerced(form: Mapping[str, str], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Fields come as text; the schema says what they are."""
    return {name: _value(text, properties.get(name, {}).get("type")) for name, text in form.items()}


def _value(text: str, kind: str | None) -> Any:
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "array":
                return [text]
    except (ValueError, KeyError):
        return text
    return text


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
