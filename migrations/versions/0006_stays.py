"""Stays, placements, history, turnaways

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "turnaway",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "no_space",
                "no_family_unit",
                "no_pet_unit",
                "no_step_free",
                "no_unit_for_men",
                "older_boy",
                "sharing",
                "safety",
                "outside_programme",
                "declined_offer",
                "call_lost",
                "other",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("adults", sa.SmallInteger(), nullable=False),
        sa.Column("minors", sa.SmallInteger(), nullable=False),
        sa.Column("pets", sa.SmallInteger(), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "adults >= 0 AND minors >= 0 AND adults + minors > 0 AND pets >= 0", name=op.f("ck_turnaway_heads")
        ),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["user.id"], name=op.f("fk_turnaway_recorded_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turnaway")),
    )
    op.create_index(op.f("ix_turnaway_night"), "turnaway", ["night"], unique=False)
    op.create_table(
        "stay",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "in_house",
                "ended",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("arrive_on", sa.Date(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("limit_on", sa.Date(), nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expected_leave_on", sa.Date(), nullable=True),
        sa.Column("plan_on", sa.Date(), nullable=True),
        sa.Column("plan_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("responsible_id", sa.Uuid(), nullable=True),
        sa.Column("substitute_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "exit_reason",
            sa.Enum(
                "planned",
                "own_wish",
                "other_programme",
                "safety_move",
                "limit",
                "hospital",
                "rules",
                "unannounced",
                "died",
                "other",
                name="exit_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "destination",
            sa.Enum(
                "own_home",
                "new_home",
                "public_housing",
                "family",
                "friends",
                "other_shelter",
                "long_term_shelter",
                "temporary_lodging",
                "institution",
                "abroad",
                "perpetrator",
                "unknown",
                "other",
                name="destination",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "cancel_reason",
            sa.Enum(
                "found_other",
                "went_home",
                "changed_mind",
                "no_contact",
                "no_show",
                "safety",
                "site_cannot",
                "hold_expired",
                "hold_released",
                "by_mistake",
                "other",
                name="cancel_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("is_imported", sa.Boolean(), nullable=False),
        sa.Column("sheet_limit_on", sa.Date(), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)", name=op.f("ck_stay_cancelled_with_reason")
        ),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_stay_ended")),
        sa.CheckConstraint(
            "(state IN ('in_house', 'ended')) = (checked_in_at IS NOT NULL)", name=op.f("ck_stay_checked_in")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_stay_number_positive")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_stay_created_by_id_user")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_stay_household_id_household")),
        sa.ForeignKeyConstraint(["policy_id"], ["stay_policy.id"], name=op.f("fk_stay_policy_id_stay_policy")),
        sa.ForeignKeyConstraint(["responsible_id"], ["user.id"], name=op.f("fk_stay_responsible_id_user")),
        sa.ForeignKeyConstraint(["substitute_id"], ["user.id"], name=op.f("fk_stay_substitute_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay")),
        sa.UniqueConstraint("household_id", "number", name=op.f("uq_stay_household_id_number")),
    )
    op.create_index(op.f("ix_stay_responsible_id"), "stay", ["responsible_id"], unique=False)
    op.create_index(op.f("ix_stay_state_limit_on"), "stay", ["state", "limit_on"], unique=False)
    op.create_index(
        "uq_stay_one_running_per_household",
        "stay",
        ["household_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'in_house')"),
        postgresql_where=sa.text("state IN ('open', 'in_house')"),
    )
    op.create_table(
        "extension",
        sa.Column("stay_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "decision",
            sa.Enum(
                "requested", "granted", "refused", name="decision", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(decision = 'requested') = (decided_at IS NULL)", name=op.f("ck_extension_decided")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name=op.f("fk_extension_decided_by_id_user")),
        sa.ForeignKeyConstraint(["requested_by_id"], ["user.id"], name=op.f("fk_extension_requested_by_id_user")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_extension_stay_id_stay")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    op.create_index(op.f("ix_extension_stay_id"), "extension", ["stay_id"], unique=False)
    op.create_index(
        "uq_extension_one_open_per_stay",
        "extension",
        ["stay_id"],
        unique=True,
        sqlite_where=sa.text("decision = 'requested'"),
        postgresql_where=sa.text("decision = 'requested'"),
    )
    op.create_table(
        "placement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stay_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "booked",
                "in_house",
                "ended",
                "expired",
                "cancelled",
                "no_show",
                "moved",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("arrive_on", sa.Date(), nullable=False),
        sa.Column("leave_on", sa.Date(), nullable=False),
        sa.Column("people", sa.SmallInteger(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_renewed", sa.Boolean(), nullable=False),
        sa.Column("is_on_the_way", sa.Boolean(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by_id", sa.Uuid(), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("occupied_from", sa.Date(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state <> 'held' OR held_until IS NOT NULL", name=op.f("ck_placement_held_until")),
        sa.CheckConstraint(
            "state NOT IN ('in_house', 'ended', 'moved') OR occupied_from IS NOT NULL",
            name=op.f("ck_placement_occupied_from"),
        ),
        sa.CheckConstraint("leave_on > arrive_on", name=op.f("ck_placement_nights")),
        sa.CheckConstraint("people > 0", name=op.f("ck_placement_people")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_placement_created_by_id_user")),
        sa.ForeignKeyConstraint(["received_by_id"], ["user.id"], name=op.f("fk_placement_received_by_id_user")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_placement_stay_id_stay")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_placement_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("id", "unit_id", name=op.f("uq_placement_id_unit_id")),
    )
    op.create_index(op.f("ix_placement_state_held_until"), "placement", ["state", "held_until"], unique=False)
    op.create_index(op.f("ix_placement_state_leave_on"), "placement", ["state", "leave_on"], unique=False)
    op.create_index(op.f("ix_placement_stay_id"), "placement", ["stay_id"], unique=False)
    op.create_index(op.f("ix_placement_unit_id_arrive_on"), "placement", ["unit_id", "arrive_on"], unique=False)
    op.create_table(
        "stay_event",
        sa.Column("stay_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_stay_event_by_id_user")),
        sa.ForeignKeyConstraint(["stay_id"], ["stay.id"], name=op.f("fk_stay_event_stay_id_stay")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay_event")),
    )
    op.create_index(op.f("ix_stay_event_stay_id_at"), "stay_event", ["stay_id", "at"], unique=False)
    op.create_table(
        "placement_member",
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_placement_member_person_id_person"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["placement_id"],
            ["placement.id"],
            name=op.f("fk_placement_member_placement_id_placement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("placement_id", "person_id", name=op.f("pk_placement_member")),
    )
    op.create_index(op.f("ix_placement_member_person_id"), "placement_member", ["person_id"], unique=False)


def downgrade() -> None:
    op.drop_table("placement_member")
    op.drop_table("stay_event")
    op.drop_table("placement")
    op.drop_table("extension")
    op.drop_table("stay")
    op.drop_table("turnaway")
