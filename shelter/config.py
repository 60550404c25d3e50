"""Settings: from the environment only, typed, and refused with a sentence when unsafe.

A default is allowed here only if it is sensible in production and safe in public.
"""

from __future__ import annotations

import base64
import binascii
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class UnsafeSettings(SystemExit):
    """The settings do not allow to boot; the text names each variable and what to do."""


class Settings(BaseSettings):
    """What an operator sets. Each field is one environment variable; `.env.example` lists all."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    env: Literal["production", "development"] = Field("production", validation_alias="SHELTER_ENV")
    database_url: str = Field(validation_alias="DATABASE_URL")
    secret_key: SecretStr = Field(validation_alias="SHELTER_SECRET_KEY")
    field_keys: SecretStr = Field(validation_alias="SHELTER_FIELD_KEYS")
    index_key: SecretStr = Field(validation_alias="SHELTER_INDEX_KEY")
    audit_key: SecretStr = Field(validation_alias="SHELTER_AUDIT_KEY")
    timezone: str = Field("Asia/Seoul", validation_alias="SHELTER_TIMEZONE")
    cutover_hours: int = Field(8, ge=0, le=12, validation_alias="SHELTER_CUTOVER_HOURS")
    public_url: str = Field("http://localhost:8000", validation_alias="SHELTER_PUBLIC_URL")
    trusted_proxies: int = Field(0, ge=0, le=5, validation_alias="SHELTER_TRUSTED_PROXIES")
    max_hold_minutes: int = Field(90, ge=5, le=24 * 60, validation_alias="SHELTER_MAX_HOLD_MINUTES")
    session_idle_minutes: int = Field(10, ge=2, le=30, validation_alias="SHELTER_SESSION_IDLE_MINUTES")
    session_intake_idle_minutes: int = Field(30, ge=2, le=60, validation_alias="SHELTER_SESSION_INTAKE_IDLE_MINUTES")
    session_hours: int = Field(10, ge=1, le=15, validation_alias="SHELTER_SESSION_HOURS")
    quick_exit_url: str = Field("https://www.weather.go.kr/", validation_alias="SHELTER_QUICK_EXIT_URL")
    night_sheets_dir: Path | None = Field(None, validation_alias="SHELTER_NIGHT_SHEETS_DIR")
    backup_recipient: str | None = Field(None, validation_alias="SHELTER_BACKUP_RECIPIENT")
    backup_dir: Path | None = Field(None, validation_alias="SHELTER_BACKUP_DIR")
    metrics_token: SecretStr | None = Field(None, validation_alias="SHELTER_METRICS_TOKEN")
    sms_gateway: Literal["console", "twilio"] = Field("console", validation_alias="SHELTER_SMS_GATEWAY")
    twilio_account_sid: str | None = Field(None, validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(None, validation_alias="TWILIO_AUTH_TOKEN")
    twilio_messaging_service_sid: str | None = Field(None, validation_alias="TWILIO_MESSAGING_SERVICE_SID")
    twilio_from_number: str | None = Field(None, validation_alias="TWILIO_FROM_NUMBER")
    twilio_api_base_url: str | None = Field(None, validation_alias="TWILIO_API_BASE_URL")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value.startswith(("postgresql://", "postgres://")):
            value = "postgresql+psycopg://" + value.split("://", 1)[1]
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("must be sqlite:///… (a file) or postgresql+psycopg://…")
        if value in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
            raise ValueError("must name a file: an in-memory database loses every booking")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError("must be a time zone name such as Asia/Seoul") from unknown
        return value

    @field_validator("secret_key", "index_key", "audit_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("must be at least 32 characters of random text (make start creates one)")
        return value

    @field_validator("field_keys")
    @classmethod
    def _well_formed_keys(cls, value: SecretStr) -> SecretStr:
        parse_field_keys(value.get_secret_value())
        return value

    @field_validator("backup_recipient")
    @classmethod
    def _well_formed_recipient(cls, value: str | None) -> str | None:
        if value:
            from shelter.age import recipients_in

            recipients_in(value)
        return value

    @model_validator(mode="after")
    def _safe_together(self) -> Settings:
        host = urlsplit(self.public_url).hostname
        if host is None:
            raise ValueError("SHELTER_PUBLIC_URL must be a full address such as https://bookings.example")
        if self.env == "development" and host not in LOOPBACK:
            raise ValueError("SHELTER_PUBLIC_URL must be on this machine while SHELTER_ENV is development")
        if self.env == "production" and host not in LOOPBACK and not self.is_https:
            raise ValueError("SHELTER_PUBLIC_URL must begin with https:// in production")
        secrets = [self.secret_key, self.index_key, self.audit_key]
        if len({s.get_secret_value() for s in secrets}) < len(secrets):
            raise ValueError("SHELTER_SECRET_KEY, SHELTER_INDEX_KEY and SHELTER_AUDIT_KEY must differ from each other")
        if self.sms_gateway == "twilio":
            if not (self.twilio_account_sid and self.twilio_auth_token):
                raise ValueError(
                    "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are needed when SHELTER_SMS_GATEWAY is twilio"
                )
            if not (self.twilio_messaging_service_sid or self.twilio_from_number):
                raise ValueError(
                    "TWILIO_MESSAGING_SERVICE_SID or TWILIO_FROM_NUMBER is needed when SHELTER_SMS_GATEWAY is twilio"
                )
        base = self.twilio_api_base_url
        if (
            base
            and self.env == "production"
            and urlsplit(base).scheme != "https"
            and urlsplit(base).hostname not in LOOPBACK
        ):
            raise ValueError("TWILIO_API_BASE_URL must begin with https:// in production")
        return self

    @cached_property
    def is_https(self) -> bool:
        return urlsplit(self.public_url).scheme == "https"

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def is_demo(self) -> bool:
        return self.env == "development"

    @property
    def cookie_name(self) -> str:
        return "__Host-shelter" if self.is_https else "shelter"


def parse_field_keys(text: str) -> dict[str, bytes]:
    """`kid:base64[,kid:base64…]` → keys by id, the writing one first. Raises ValueError with a sentence."""
    keys: dict[str, bytes] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        kid, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as broken:
            raise ValueError("must be kid:base64, the first writes; a key is not valid base64") from broken
        if not kid or len(kid.encode()) > 16 or len(key) != 32:
            raise ValueError("must be kid:base64 with 32-byte keys and a key id of at most 16 characters")
        if kid in keys:
            raise ValueError("names a key id twice")
        keys[kid] = key
    if not keys:
        raise ValueError("must hold at least one key, as kid:base64")
    return keys


def load_settings() -> Settings:
    """From the environment. Raises UnsafeSettings with one sentence per variable to mend."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as problems:
        raise UnsafeSettings(explain(problems)) from None


def explain(problems: ValidationError) -> str:
    """One line per variable, never a value: a value may be a secret."""
    lines = []
    for problem in problems.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        said = "is missing" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        lines.append(f"  {name} {said}".replace("   ", "  "))
    return "The system does not start, because its settings are missing or unsafe:\n" + "\n".join(lines)


_active: Settings | None = None


def activate(settings: Settings) -> None:
    """Set once by the application factory."""
    global _active
    _active = settings


def active() -> Settings:
    """The settings of this process."""
    if _active is None:
        raise RuntimeError("the application has not been created")
    return _active


def for_flask(settings: Settings) -> dict[str, object]:
    """What flask and its extensions read."""
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SESSION_COOKIE_NAME": f"{settings.cookie_name}-form",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,  # the referrer is never sent, by our own policy
        "MAX_CONTENT_LENGTH": 6 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
        "MAX_FORM_PARTS": 1_000,
        "PROPAGATE_EXCEPTIONS": False,
    }
