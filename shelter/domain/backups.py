"""A backup: what stands in its manifest, which ones are kept, and why one is not made or not brought back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar

from shelter.domain.errors import DomainError

FORMAT = 1
KEPT_DAYS = 14
NAME_ENDS = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Table:
    """What a table held: equal rows in any order give the same."""

    rows: int
    hash: str


@dataclass(frozen=True)
class Keys:
    """Which keys a backup needs; of each a fingerprint that says nothing without the key."""

    field: dict[str, str]  # by key id
    index: str
    audit: str

    def missing_in(self, here: Keys) -> list[str]:
        """The settings that lack one of them, or have another one."""
        missing = [f"SHELTER_FIELD_KEYS ({kid})" for kid, print_ in self.field.items() if here.field.get(kid) != print_]
        if self.index != here.index:
            missing.append("SHELTER_INDEX_KEY")
        if self.audit != here.audit:
            missing.append("SHELTER_AUDIT_KEY")
        return missing


@dataclass(frozen=True)
class Manifest:
    """Sealed inside with the data. A restore trusts nothing else."""

    made_at: datetime
    application: str
    migration: str
    database: str  # kind: sqlite, postgresql
    server: str
    timezone: str
    cutover_hours: int
    tables: dict[str, Table]
    audit_heads: dict[int, int]  # last entry by chain
    keys: Keys
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self) | {"made_at": self.made_at.isoformat()}, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Manifest:
        """Raises NotABackup, BackupTooNew."""
        try:
            said = json.loads(text)
            if said["format"] > FORMAT:
                raise BackupTooNew(application=str(said["application"]))
            said["made_at"] = datetime.fromisoformat(said["made_at"])
            said["tables"] = {name: Table(**table) for name, table in said["tables"].items()}
            said["audit_heads"] = {int(chain): seq for chain, seq in said["audit_heads"].items()}
            return cls(**said | {"keys": Keys(**said["keys"])})
        except (KeyError, TypeError, ValueError) as other:
            raise NotABackup() from other


def superfluous(names: Iterable[str], stem: str) -> list[str]:
    """Of the names we give, a stem with day and time, those to remove: all but the latest fourteen days' ones.

    Any other name is somebody else's.
    """
    ours = re.compile(re.escape(stem) + r"-[0-9]{8}-[0-9]{6}")
    by_day: dict[str, list[str]] = {}
    for name in filter(ours.fullmatch, names):
        by_day.setdefault(name.rsplit("-", 1)[0], []).append(name)
    return [name for day in sorted(by_day)[:-KEPT_DAYS] for name in sorted(by_day[day])]


# Why none is made ---------------------------------------------------------------------------------------------------


@dataclass
class NoBackupRecipient(DomainError):
    """Nobody is named who could open it."""

    code: ClassVar[str] = "no_backup_recipient"


@dataclass
class NoRoomForBackup(DomainError):
    """It could fill the disk that the database needs."""

    place: str
    needed_mb: int
    free_mb: int
    code: ClassVar[str] = "no_room_for_backup"


@dataclass
class DatabaseDamaged(DomainError):
    """The copy does not pass the database's own check."""

    code: ClassVar[str] = "database_damaged"


@dataclass
class ProgramMissing(DomainError):
    """pg_dump or pg_restore is not installed."""

    program: str
    code: ClassVar[str] = "program_missing"


@dataclass
class ProgramDiffers(DomainError):
    """It is of another version than the server: what the one writes the other may not read."""

    program: str
    version: int
    server: int
    code: ClassVar[str] = "program_differs"


@dataclass
class ProgramFailed(DomainError):
    """It ended with an error; `said` is its own first line about it."""

    program: str
    said: str
    code: ClassVar[str] = "program_failed"


# Why one is not brought back ----------------------------------------------------------------------------------------


@dataclass
class NoRoomToRestore(DomainError):
    """What is in it would not fit where it is unpacked."""

    place: str
    needed_mb: int
    free_mb: int
    code: ClassVar[str] = "no_room_to_restore"


@dataclass
class IdentityNotValid(DomainError):
    """The file of the identity holds none."""

    code: ClassVar[str] = "identity_not_valid"


@dataclass
class WrongIdentity(DomainError):
    """The backup was made for somebody else."""

    code: ClassVar[str] = "wrong_identity"


@dataclass
class BackupDamaged(DomainError):
    """Cut off, or altered."""

    code: ClassVar[str] = "backup_damaged"


@dataclass
class NotABackup(DomainError):
    """Something else is in it."""

    code: ClassVar[str] = "not_a_backup"


@dataclass
class BackupForged(DomainError):
    """Not made by a system with this audit key."""

    code: ClassVar[str] = "backup_forged"


@dataclass
class BackupTooNew(DomainError):
    """This version does not know its migration or its format."""

    application: str
    code: ClassVar[str] = "backup_too_new"


@dataclass
class OtherKindOfDatabase(DomainError):
    """A backup goes back to the kind of database it came from."""

    kind: str
    code: ClassVar[str] = "other_kind_of_database"


@dataclass
class KeysMissing(DomainError):
    """What is sealed in it could not be read with the keys of the settings."""

    names: str
    code: ClassVar[str] = "keys_missing"


@dataclass
class NightsCountedOtherwise(DomainError):
    """Time zone and cut-over must be those it was made with."""

    timezone: str
    cutover_hours: int
    code: ClassVar[str] = "nights_counted_otherwise"


@dataclass
class DatabaseNotEmpty(DomainError):
    """Nothing is ever overwritten."""

    code: ClassVar[str] = "database_not_empty"


@dataclass
class DatabaseInUse(DomainError):
    """The clockwork, or somebody else, is connected to the database."""

    code: ClassVar[str] = "database_in_use"


@dataclass
class RestoredDiffers(DomainError):
    """What was written is not what was backed up; it was removed again."""

    tables: str
    code: ClassVar[str] = "restored_differs"
