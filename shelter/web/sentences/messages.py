"""Texts: where one is on its way, why one does not go, what became of it."""

from __future__ import annotations

from shelter.domain.messages import LintCode, MessageState, Suppression, Template
from shelter.domain.refusals import Refusal
from shelter.web.language import lazy_gettext as _l

SENTENCES = {
    "text_not_discreet": _l("This text says too much for a phone somebody else may hold: %(why)s."),
    "no_such_text": _l("There is no text for this at this level of detail."),
}

LABELS = {
    MessageState: {
        MessageState.QUEUED: _l("Queued"),
        MessageState.SENDING: _l("Being handed over"),
        MessageState.UNKNOWN: _l("Outcome unknown"),
        MessageState.SENT: _l("Sent"),
        MessageState.DELIVERED: _l("Delivered by the carrier"),
        MessageState.FAILED: _l("Failed"),
        MessageState.SUPPRESSED: _l("Not sent"),
        MessageState.RECEIVED: _l("Came in"),
    },
    Suppression: {
        Suppression.NO_CONTACT: _l("nothing was agreed about texts and calls"),
        Suppression.NO_NUMBER: _l("there is no number she may be reached at"),
        Suppression.DANGER_NUMBER: _l("the number is a danger number"),
        Suppression.NO_CONSENT: _l("she has not agreed to it"),
        Suppression.CONSENT_WITHDRAWN: _l("she has withdrawn her consent"),
        Suppression.CONSENT_EXPIRED: _l("what was agreed must be confirmed anew"),
        Suppression.NO_CONSENT_ABROAD: _l("she has not agreed that it is processed abroad"),
        Suppression.TEXT_NOT_ALLOWED: _l("texting is not allowed"),
        Suppression.CALL_NOT_ALLOWED: _l("calling is not allowed"),
        Suppression.DETAIL_NONE: _l("the agreed level of detail is: send nothing"),
        Suppression.HOURS_NEVER: _l("her hours lie within the night hours, when no texts go"),
        Suppression.TOLD_BY_VOICE: _l("told by voice"),
        Suppression.IN_HOUSE: _l("she is in the house"),
        Suppression.PURPOSE_PASSED: _l("its purpose has passed"),
        Suppression.NUMBER_CHANGED: _l("the number is not the agreed one any more"),
        Suppression.NOT_MOBILE: _l("the number is not a Korean mobile number"),
        Suppression.NOT_DISCREET: _l("it would have said too much"),
        Suppression.TOO_MANY: _l("too many texts in a short time"),
        Suppression.STOPPED: _l("all texts are stopped"),
        Suppression.RECIPIENT_INACTIVE: _l("the colleague's account is closed or has no number"),
    },
    Refusal: {
        Refusal.NUMBER_INVALID: _l("the number does not exist"),
        Refusal.NOT_MOBILE: _l("the number takes no texts"),
        Refusal.OPTED_OUT: _l("this number refuses texts"),
        Refusal.REGION_CLOSED: _l("the account may not text this country: tell the operator"),
        Refusal.HANDSET_OFF: _l("the phone is off or out of reach"),
        Refusal.BLOCKED: _l("blocked by the phone or the carrier"),
        Refusal.HANDSET_UNKNOWN: _l("the number is not in use any more"),
        Refusal.FILTERED: _l("the carrier took it for spam"),
        Refusal.CARRIER_FAULT: _l("lost on the way"),
        Refusal.TOO_LATE: _l("it did not arrive in time"),
        Refusal.TOO_MANY: _l("the provider is busy"),
        Refusal.SETTINGS_WRONG: _l("the account of the provider needs mending: tell the operator"),
        Refusal.TEXT_REFUSED: _l("the provider refused the text"),
        Refusal.OFFLINE: _l("the provider could not be reached"),
        Refusal.NEVER_SETTLED: _l("nobody can tell whether it arrived"),
    },
    Template: {
        Template.CONFIRMED: _l("Confirmation text"),
        Template.CHANGED: _l("Change text"),
        Template.CANCELLED: _l("Cancellation text"),
        Template.CALL_US: _l("Request to call"),
        Template.DIGEST: _l("Limits: digest"),
        Template.ESCALATION: _l("Limits: reminder"),
    },
    LintCode: {
        LintCode.EMPTY: _l("it is empty"),
        LintCode.NAME: _l("a name"),
        LintCode.SERVICE_WORD: _l("a word that tells what this is about"),
        LintCode.PLACE_WORD: _l("a word for a place"),
        LintCode.REFERENCE: _l("a case reference"),
        LintCode.URL: _l("an internet address"),
        LintCode.NUMBER: _l("a number"),
        LintCode.TOO_LONG: _l("it is too long for one text"),
        LintCode.CHARACTER: _l("a character Korean phones cannot show"),
    },
}
