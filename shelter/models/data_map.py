"""The data map: every column's level. A column missing here fails the build (SAFETY S17, ASVS 14.1.1)."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How sensitive a column is, and what follows from it.

    sealed: encrypted at rest; shown only on an audited page; never in lists, logs, texts, exports.
    indexed: a keyed hash of a sealed value; personal data still, never leaves the database.
    secret: hashes that guard the door; never shown at all.
    staff: about members of staff.
    personal: about a guest, though it names nobody; figures from it are masked below 3.
    internal: the house's own business: ids, states, dates, places by code name.
    """

    SEALED = "sealed"
    INDEXED = "indexed"
    SECRET = "secret"  # noqa: S105
    STAFF = "staff"
    PERSONAL = "personal"
    INTERNAL = "internal"


DATA_MAP: dict[str, dict[Level, str]] = {
    "audit_entry": {
        Level.SEALED: "details_sealed",
        Level.SECRET: "mac resealed_mac",
        Level.STAFF: "address",
        Level.INTERNAL: "chain seq at user_id action subject household_id id",
    },
    "audit_head": {
        Level.SECRET: "mac",
        Level.INTERNAL: "chain seq",
    },
    "heartbeat": {
        Level.INTERNAL: "id beat_at process",
    },
    "installation": {
        Level.INTERNAL: "id timezone cutover_hours live_from texts_stopped_at",
    },
    "job_run": {
        Level.INTERNAL: "id job due_at started_at finished_at outcome counts error",
    },
    "site": {
        Level.SEALED: "district_sealed directions_sealed night_line_sealed",
        Level.INTERNAL: "code_name is_overflow is_paused created_at id",
    },
    "throttle": {
        Level.SECRET: "subject",
        Level.INTERNAL: "failures first_at blocked_until",
    },
    "user": {
        Level.SEALED: "phone_sealed",
        Level.SECRET: "password_hash",
        Level.STAFF: "login name locale",
        Level.INTERNAL: "is_active created_at last_signed_in_at id",
    },
    "draft": {
        Level.SEALED: "body_sealed",
        Level.INTERNAL: "user_id purpose saved_at id",
    },
    "household": {
        Level.SEALED: "notes_sealed",
        Level.PERSONAL: "needs_step_free needs_cot",
        Level.INTERNAL: "reference created_by_id created_at id",
    },
    "idempotent_act": {
        Level.INTERNAL: "user_id key fingerprint result created_at",
    },
    "one_time_link": {
        Level.SECRET: "token_hash",
        Level.INTERNAL: "user_id purpose created_by_id created_at expires_at used_at",
    },
    "room": {
        Level.INTERNAL: "id site_id label floor sharing",
    },
    "sign_in_session": {
        Level.SECRET: "token_hash",
        Level.STAFF: "address",
        Level.INTERNAL: "user_id created_at last_active_at expires_at ended_at",
    },
    "site_membership": {
        Level.INTERNAL: "id user_id site_id from_on until_on",
    },
    "stay_policy": {
        Level.INTERNAL: (
            "id site_id effective_from months days counting_rule extension_months extension_days "
            "max_extensions decided_by thresholds readmission_rule"
        ),
    },
    "turnaway": {
        Level.INTERNAL: "id night reason adults minors pets recorded_by_id recorded_at",
    },
    "user_role": {
        Level.INTERNAL: "user_id role",
    },
    "contact_number": {
        Level.SEALED: "number_sealed",
        Level.INDEXED: "number_index",
        Level.PERSONAL: "kind",
        Level.INTERNAL: "household_id id",
    },
    "person": {
        Level.SEALED: "name_sealed notes_sealed",
        Level.PERSONAL: "sex age_band allergies",
        Level.INTERNAL: "household_id position id",
    },
    "pet": {
        Level.SEALED: "name_sealed notes_sealed",
        Level.PERSONAL: "species size is_vaccinated",
        Level.INTERNAL: "household_id position id",
    },
    "safe_contact": {
        Level.SEALED: "code_word_sealed who_answers_sealed other_way_sealed",
        Level.PERSONAL: (
            "can_call can_text from_time until_time language detail consented_at has_consented_abroad "
            "withdrawn_at reconfirm_on"
        ),
        Level.INTERNAL: "household_id updated_at id",
    },
    "safety_exclusion": {
        Level.SEALED: "district_sealed",
        Level.PERSONAL: "kind relation site_id other_household_id",
        Level.INTERNAL: "household_id created_by_id created_at id",
    },
    "stay": {
        Level.SEALED: "plan_sealed",
        Level.PERSONAL: "exit_reason destination cancel_reason plan_on expected_leave_on",
        Level.INTERNAL: (
            "household_id number state arrive_on policy_id limit_on checked_in_at responsible_id "
            "substitute_id ended_at is_imported sheet_limit_on created_by_id created_at id"
        ),
    },
    "unit": {
        Level.INTERNAL: (
            "id site_id room_id label capacity pets_allowed max_pets is_step_free has_cot audience "
            "accepts_older_boys in_service_from in_service_until cleaned_at"
        ),
    },
    "closure": {
        Level.INTERNAL: "id unit_id from_on until_on is_open_ended reason note created_by_id created_at",
    },
    "extension": {
        Level.SEALED: "reason_sealed",
        Level.INTERNAL: "stay_id decision requested_by_id requested_at decided_by_id decided_at id",
    },
    "message": {
        Level.SEALED: "number_sealed body_sealed",
        Level.INDEXED: "number_index",
        Level.PERSONAL: "language template",
        Level.INTERNAL: (
            "direction dedupe_key household_id stay_id user_id is_asked_now state suppression "
            "not_before expires_at attempts claimed_at provider_id error_code created_by_id created_at "
            "state_changed_at id"
        ),
    },
    "placement": {
        Level.INTERNAL: (
            "id stay_id unit_id state arrive_on leave_on people held_until is_renewed is_on_the_way "
            "expected_at confirmed_at received_at received_by_id arrived_at occupied_from left_at "
            "created_by_id created_at"
        ),
    },
    "stay_event": {
        Level.SEALED: "note_sealed",
        Level.PERSONAL: "kind data",
        Level.INTERNAL: "stay_id at happened_at by_id id",
    },
    "placement_member": {
        Level.INTERNAL: "placement_id person_id",
    },
    "stay_flag": {
        Level.INTERNAL: (
            "id stay_id limit_on threshold raised_on is_tightest message_id acknowledged_at acknowledged_by_id"
        ),
    },
    "task": {
        Level.SEALED: "note_sealed",
        Level.PERSONAL: "data",
        Level.INTERNAL: (
            "kind dedupe_key site_id household_id stay_id placement_id user_id created_at due_at done_at done_by_id id"
        ),
    },
    "unit_night": {
        Level.INTERNAL: "unit_id night placement_id closure_id people",
    },
}


def columns_at(level: Level) -> dict[str, list[str]]:
    """The columns of one level by table, tables without any left out."""
    return {table: levels[level].split() for table, levels in DATA_MAP.items() if level in levels}


def index_beside(table: str, sealed: str) -> str | None:
    """The column that holds the keyed hash of a sealed one, where there is one."""
    index = sealed.removesuffix("_sealed") + "_index"
    return index if index in columns_at(Level.INDEXED).get(table, ()) else None


def level_of(table: str, column: str) -> Level:
    """Raises KeyError for a column nobody has thought about."""
    for level, columns in DATA_MAP[table].items():
        if column in columns.split():
            return level
    raise KeyError(f"{table}.{column} is not in the data map")
