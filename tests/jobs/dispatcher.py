"""Dispatchers as processes, for campaigns that kill them: the real one in a hurry, or a plain one as control.

`python -m tests.jobs.dispatcher real|plain` starts one for each line it is told and says its process id; they work on
DATABASE_URL until they are killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn

from flask import Flask
from sqlalchemy import update

from shelter import clock, config, create_app
from shelter.domain.errors import DatabaseBusy
from shelter.domain.messages import MessageState
from shelter.extensions import db
from shelter.gateways.sms import gateway_from
from shelter.models.messages import Message
from shelter.services import delivery, sending_rules

# What takes minutes in the house takes moments here.
delivery.RETRY_AFTER = (timedelta(milliseconds=200),)
delivery.ASK_AFTER = timedelta(milliseconds=500)
delivery.CLAIM_LASTS = timedelta(seconds=4)
delivery.TOO_LATE_TO_CALL = timedelta(seconds=2)
sending_rules.MOST_TO_GUESTS_A_DAY = 100_000
# Decided by nobody: all of them by the system.
sending_rules.MOST_PER_PERSON_AN_HOUR = 100_000


def plain() -> None:
    """The control: whoever got no answer is texted again, and so is whoever was claimed by a process that died."""

    def send_again(message_id):  # type: ignore[no-untyped-def]
        now = clock.now()
        back = update(Message).where(Message.id == message_id, Message.state == MessageState.SENDING)
        db.session.execute(back.values(state=MessageState.QUEUED, not_before=now, claimed_at=None))
        db.session.commit()
        return "again"

    def send_dead_claims_again(now):  # type: ignore[no-untyped-def]
        dead = (Message.state == MessageState.SENDING, Message.claimed_at <= now - delivery.CLAIM_LASTS)
        db.session.execute(update(Message).where(*dead).values(state=MessageState.QUEUED, claimed_at=None))
        db.session.commit()

    delivery._unanswered = send_again
    delivery._give_up_dead_claims = send_dead_claims_again
    delivery._ask = lambda gateway, letter: []


def main() -> None:
    """Forks a dispatcher for each line it is told, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody is waited for
    if sys.argv[1] == "plain":
        plain()
    app = create_app()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            dispatch(app)
        print(pid, flush=True)


def dispatch(app: Flask) -> NoReturn:
    gateway = gateway_from(config.active())
    while True:
        with app.app_context(), suppress(DatabaseBusy):
            delivery.deliver_due(gateway)
            delivery.settle_unknown(gateway)
        time.sleep(0.05)


if __name__ == "__main__":
    main()
