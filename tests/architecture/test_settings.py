"""A missing or unsafe setting refuses to boot with a sentence that names it and shows no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from shelter.config import Settings, UnsafeSettings, load_settings
from tests.support.settings import environment

ROOT = Path(__file__).parents[2]
COMPLETE = {n: v for n, v in environment("sqlite:////tmp/x.sqlite3").items() if n.startswith(("SHELTER_", "DATABASE_"))}
TWILIO = {"SHELTER_SMS_GATEWAY": "twilio", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token"}
NAMES = {field.validation_alias for field in Settings.model_fields.values()}


def boot(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    for name, value in (COMPLETE | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load_settings()


def test_complete_settings_boot_as_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert boot(monkeypatch, SHELTER_ENV=None).env == "production"


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "SHELTER_SECRET_KEY", "SHELTER_FIELD_KEYS", "SHELTER_INDEX_KEY", "SHELTER_AUDIT_KEY"],
)
def test_a_missing_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(UnsafeSettings, match=f"{name} is missing"):
        boot(monkeypatch, **{name: None})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SHELTER_ENV": "staging"}, "SHELTER_ENV"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"SHELTER_SECRET_KEY": "short"}, "SHELTER_SECRET_KEY"),
        ({"SHELTER_INDEX_KEY": ""}, "SHELTER_INDEX_KEY"),
        ({"SHELTER_AUDIT_KEY": COMPLETE["SHELTER_INDEX_KEY"]}, "SHELTER_AUDIT_KEY"),
        ({"SHELTER_FIELD_KEYS": "k1:tooshort"}, "SHELTER_FIELD_KEYS"),
        ({"SHELTER_FIELD_KEYS": "no colon"}, "SHELTER_FIELD_KEYS"),
        ({"SHELTER_TIMEZONE": "Mars/Olympus"}, "SHELTER_TIMEZONE"),
        ({"SHELTER_CUTOVER_HOURS": "25"}, "SHELTER_CUTOVER_HOURS"),
        ({"SHELTER_PUBLIC_URL": "bookings.example"}, "SHELTER_PUBLIC_URL"),
        ({"SHELTER_PUBLIC_URL": "http://bookings.example"}, "SHELTER_PUBLIC_URL"),
        (
            {"SHELTER_ENV": "development", "SHELTER_PUBLIC_URL": "https://bookings.example"},
            "SHELTER_PUBLIC_URL",
        ),
        ({"SHELTER_TRUSTED_PROXIES": "many"}, "SHELTER_TRUSTED_PROXIES"),
        ({"SHELTER_BACKUP_RECIPIENT": "age1tooshort"}, "SHELTER_BACKUP_RECIPIENT"),
        ({"SHELTER_MAX_HOLD_MINUTES": "0"}, "SHELTER_MAX_HOLD_MINUTES"),
        ({"SHELTER_SMS_GATEWAY": "pigeon"}, "SHELTER_SMS_GATEWAY"),
        (TWILIO | {"TWILIO_ACCOUNT_SID": None}, "TWILIO_ACCOUNT_SID"),
        (TWILIO | {"TWILIO_AUTH_TOKEN": None}, "TWILIO_AUTH_TOKEN"),
        (TWILIO, "TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM_NUMBER"),
        (
            TWILIO | {"TWILIO_FROM_NUMBER": "+8215", "TWILIO_API_BASE_URL": "http://x.example"},
            "TWILIO_API_BASE_URL",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsafe_value_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], named: str) -> None:
    with pytest.raises(UnsafeSettings, match=named):
        boot(monkeypatch, **changes)


def test_every_problem_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        boot(monkeypatch, SHELTER_SECRET_KEY=None, SHELTER_INDEX_KEY="short", DATABASE_URL="mysql://x")
    said = str(refused.value)
    assert all(name in said for name in ("SHELTER_SECRET_KEY", "SHELTER_INDEX_KEY", "DATABASE_URL"))


def test_a_refusal_shows_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        boot(
            monkeypatch,
            SHELTER_SECRET_KEY="hunter2",
            SHELTER_FIELD_KEYS="k1:hunter2",
            DATABASE_URL="mysql://u:hunter2@h",
        )
    assert "hunter2" not in str(refused.value)


def test_the_settings_show_no_secret_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = repr(boot(monkeypatch))
    secret = [n for n in COMPLETE if n.endswith(("_KEY", "_KEYS"))]
    assert secret
    assert not [name for name in secret if COMPLETE[name] in printed]


def test_the_example_file_lists_exactly_the_settings_there_are() -> None:
    lines = (line.lstrip("#") for line in (ROOT / ".env.example").read_text().splitlines())
    listed = {line.partition("=")[0] for line in lines if "=" in line and line[0].isupper() and " " not in line}
    assert listed == NAMES
