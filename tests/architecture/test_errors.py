"""Every refusal, reason and coded value has words, Korean and English, in the one catalogue."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

import shelter.domain
import shelter.gateways
import shelter.models
import shelter.queries
import shelter.services
from shelter.domain.errors import DomainError
from shelter.domain.permissions import Permission
from shelter.web.language import in_language
from shelter.web.sentences import CONSTRAINTS, LABELS, REASONS, SENTENCES

pytestmark = pytest.mark.only("sqlite")

HANGUL = re.compile("[가-힣]")
PARAMETER = re.compile(r"%\((\w+)\)")
# Codes no page shows: what they stand for is said in other words there.
NEVER_SHOWN: set[type[StrEnum]] = {Permission}


def modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def classes(*packages: ModuleType) -> set[type]:
    """Every class of our own defined in the packages."""
    return {
        value
        for module in modules(*packages)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    }


def refusals() -> set[type[DomainError]]:
    everywhere = (shelter.domain, shelter.queries, shelter.gateways, shelter.services)
    return {c for c in classes(*everywhere) if issubclass(c, DomainError) and c is not DomainError}


def reasons() -> set[type]:
    """Codes with parameters that are no refusals: why a unit fits or not, what to beware of."""
    return {
        c
        for c in classes(shelter.domain, shelter.queries)
        if is_dataclass(c) and isinstance(getattr(c, "code", None), str) and not issubclass(c, DomainError)
    }


def parameters(owner: type) -> set[str]:
    """What its sentence may name: its fields, or what its own `params` makes of them."""
    names = {f.name for f in fields(owner)} if is_dataclass(owner) else set()
    if "params" in vars(owner):
        names = set(owner(**dict.fromkeys(names, ())).params)
    return names


def said(words: Any, locale: str) -> str:
    with in_language(locale):
        return str(words)


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [c.code for c in refusals()]
    assert {code for code in codes if codes.count(code) > 1} == set()


def test_every_refusal_has_a_sentence() -> None:
    assert {c.code for c in refusals()} - set(SENTENCES) == set()


def test_no_sentence_is_left_of_a_refusal_that_is_gone() -> None:
    assert set(SENTENCES) - {c.code for c in refusals()} - {"refused"} == set()


def test_every_reason_has_a_sentence() -> None:
    assert {str(getattr(c, "code", "")) for c in reasons()} - set(REASONS) == set()


def test_sentences_name_only_parameters_there_are(app: Flask) -> None:
    wrong = []
    with app.app_context():
        for catalogue, owners in ((SENTENCES, refusals()), (REASONS, reasons())):
            for owner in owners:
                known = parameters(owner)
                for locale in ("en", "ko"):
                    used = set(PARAMETER.findall(said(catalogue.get(owner.code, ""), locale)))  # type: ignore[attr-defined]
                    wrong += [f"{owner.__name__} ({locale}): {name}" for name in used - known]
    assert wrong == []


def is_said(member: StrEnum) -> bool:
    return member in LABELS.get(type(member), {}) or member.value in REASONS


def test_every_coded_value_has_a_label() -> None:
    enums = {c for c in classes(shelter.domain) if issubclass(c, StrEnum)} - NEVER_SHOWN
    missing = {f"{e.__name__}.{member.name}" for e in enums for member in e if not is_said(member)}
    assert missing == set()


def test_everything_is_said_in_korean_and_in_english(app: Flask) -> None:
    everything = {**SENTENCES, **REASONS, **CONSTRAINTS}
    for enum, labels in LABELS.items():
        everything |= {f"{enum.__name__}.{member}": words for member, words in labels.items()}
    with app.app_context():
        not_korean = [code for code, words in everything.items() if not HANGUL.search(said(words, "ko"))]
        not_english = [
            code for code, words in everything.items() if HANGUL.search(said(words, "en")) or not said(words, "en")
        ]
    assert not_korean == []
    assert not_english == []
