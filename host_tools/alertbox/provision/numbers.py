"""Contacts' numbers as people in France write them, to E.164; or a refusal with its reason.

`phonenumbers` knows the numbering plans; its own list of emergency numbers is short of some of the French ones, so
the short numbers are a table here (ARCEP's plan, and the Code de la securite interieure for who may be called by
a machine: no private automatic dialler may call the emergency services; the message asks a person to do it).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from alertbox.contract.settings import Contact
from alertbox.errors import UserError
from alertbox.texts import say

# Where a number without a country's code may belong: France and its overseas parts, which have codes of their own.
_REGIONS = ("FR", "GP", "MQ", "GF", "RE", "YT")
_WRITTEN = re.compile(r"\+?[0-9 .()/-]+")
_FRENCH_PREFIX = re.compile(r"(\+|00)33 *(\(0\))?")

# All numbers of two or three digits are alike in this: 15 17 18 112 114 115 119 191 196 197, and other countries'.
_SHORT = (
    (re.compile("[0-9]{1,3}|116[0-9]{3}"), "provision-number-emergency"),
    (re.compile("[0-9]{4,6}"), "provision-number-short"),  # 3xxx, 10xx, 118 xxx: services, some at a premium
)
_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "provision-number-premium",
    PhoneNumberType.SHARED_COST: "provision-number-premium",
    PhoneNumberType.PAGER: "provision-number-no-person",
    PhoneNumberType.VOICEMAIL: "provision-number-no-person",
}
_NO_SMS = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.VOIP,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.UAN,
}


def to_e164(written: str) -> str:
    """`06 12 34 56 78` -> `+33612345678`. UserError with the reason if it is no number, or none to call."""
    number = unicodedata.normalize("NFKC", written).strip()
    digits = re.sub("[^0-9]", "", _FRENCH_PREFIX.sub("", number))
    for pattern, reason in _SHORT:
        if _WRITTEN.fullmatch(number) and pattern.fullmatch(digits):
            raise UserError(reason, number=written.strip())
    parsed = _parse(number) if _WRITTEN.fullmatch(number) else None
    if parsed is None:
        raise UserError("provision-number-wrong", number=written.strip())
    reason = _TYPES.get(phonenumbers.number_type(parsed), "")
    if reason:
        raise UserError(reason, number=show(_e164(parsed)))
    return _e164(parsed)


def show(number: str) -> str:
    """As it is read out: `06 12 34 56 78`, or with the country's code if it is not French."""
    parsed = phonenumbers.parse(number)
    style = PhoneNumberFormat.NATIONAL if parsed.country_code == 33 else PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))


@dataclass(frozen=True)
class Doubt:
    """Not wrong, but not what a technician may want."""

    contact: str
    key: str
    number: str

    def __str__(self) -> str:
        return say(self.key, contact=self.contact, number=show(self.number))


def doubts(contacts: Sequence[Contact]) -> list[Doubt]:
    """A landline that is to get SMS alone would get nothing."""
    found = []
    for contact in contacts:
        kind = phonenumbers.number_type(phonenumbers.parse(contact.number))
        if contact.by == "sms" and kind in _NO_SMS:
            found.append(Doubt(contact.name, "provision-number-landline", contact.number))
    return found


def refuse(contacts: Sequence[Contact]) -> None:
    """Check numbers that came in E.164 already, as a box's or a file's may: UserError for the first one."""
    for contact in contacts:
        to_e164(contact.number)


def _parse(number: str) -> PhoneNumber | None:
    for region in _REGIONS:
        try:
            parsed = phonenumbers.parse(number, region)
        except NumberParseException:
            return None
        if phonenumbers.is_valid_number(parsed):
            return parsed
    return None


def _e164(parsed: PhoneNumber) -> str:
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
