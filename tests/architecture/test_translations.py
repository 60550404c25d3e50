"""Every text is in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import translations

HEADER = """msgid ""
msgstr ""
"Language: ko\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(translations, "CATALOGUES", tmp_path)
    monkeypatch.setattr(translations, "used", lambda: {"Hold": ["find.html:1"]})
    return tmp_path


def write(folder: Path, area: str, entries: str) -> None:
    (folder / f"{area}.po").write_text(HEADER + entries)


def test_every_text_has_its_korean() -> None:
    assert translations.problems() == []


def test_texts_are_found_in_code_and_templates() -> None:
    used = {translations.key(said) for said in translations.used()}
    assert {"Quick exit", "There is a problem", "Today"} <= used


def test_a_complete_catalogue_is_accepted(catalogues: Path) -> None:
    write(catalogues, "find", 'msgid "Hold"\nmsgstr "가배정"\n')
    assert translations.problems() == []


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("", "find.html:1: 'Hold' has no Korean"),
        ('msgid "Hold"\nmsgstr ""\n', "find.po: 'Hold' is empty"),
        ('#, fuzzy\nmsgid "Hold"\nmsgstr "가배정"\n', "find.po: 'Hold' is fuzzy"),
        (
            'msgid "Hold"\nmsgstr "가배정 %(unit)s"\n',
            "find.po: 'Hold' has other parameters than its English: []",
        ),
    ],
)
def test_what_is_missing_is_said(catalogues: Path, entries: str, said: str) -> None:
    write(catalogues, "find", entries)
    assert translations.problems() == [said]


def test_a_text_translated_in_two_areas_is_said(catalogues: Path) -> None:
    write(catalogues, "find", 'msgid "Hold"\nmsgstr "가배정"\n')
    write(catalogues, "stays", 'msgid "Hold"\nmsgstr "보류"\n')
    assert translations.problems() == ["stays.po: 'Hold' is also in find.po"]
