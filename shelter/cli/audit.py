"""`flask audit`: is the access log whole?"""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from shelter import clock
from shelter.services import audit_trail

FAULTS = {
    "missing": "an entry is missing",
    "altered": "an entry was altered",
    "rewritten": "the chain was rewritten: an anchored head differs",
    "cut": "entries are missing at the end",
    "head": "the head does not fit the entries",
}


@click.group("audit")
def audit() -> None:
    """Read and verify the audit trail."""


@audit.command("verify")
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of anchored heads; a copy kept on another machine proves most.",
)
@with_appcontext
def verify(anchors: Path | None) -> None:
    """Check every link of every chain; exit code 1 and the first broken link where one does not hold."""
    file = anchors or audit_trail.anchor_file()
    reports = audit_trail.verify(file)
    for report in reports:
        until = f" until {clock.local(report.intact_until):%Y-%m-%d %H:%M:%S}" if report.intact_until else ""
        click.echo(f"chain {report.chain}: {report.entries} entries hold{until}")
        if not report.is_intact:
            said = FAULTS[report.fault or "altered"]
            click.echo(f"  BROKEN at entry {report.broken_at}: {said}. Nothing is promised from there.", err=True)
    if not any(report.entries for report in reports):
        click.echo("No entries yet.")
    if not file.exists():
        click.echo("No anchored heads: a cut tail could not be noticed.", err=True)
    if not all(report.is_intact for report in reports):
        raise SystemExit(1)
    click.echo("The access log is whole.")


@audit.command("anchor")
@with_appcontext
def anchor() -> None:
    """Write the newest head of each chain to the file of anchors, as the job does."""
    file = audit_trail.anchor_file()
    click.echo(f"{audit_trail.anchor_heads(file)} heads anchored in {file}")
