"""Contacts' numbers: what is written in France becomes E.164, and what no machine may call is refused."""

import pytest
from alertbox.contract.settings import Contact
from alertbox.errors import UserError
from alertbox.provision import numbers

WRITTEN = {
    "06 12 34 56 78": "+33612345678",
    "06.12.34.56.78": "+33612345678",
    "06-12-34-56-78": "+33612345678",
    "06\u00a012\u202f34 56 78": "+33612345678",
    "0033612345678": "+33612345678",
    "+33 (0)6 12 34 56 78": "+33612345678",
    "01 23 45 67 89": "+33123456789",
    "09 56 78 90 12": "+33956789012",
    "0590 27 12 34": "+590590271234",
    "+352 621 123 456": "+352621123456",
    "0 800 123 456": "+33800123456",
}
REFUSED = {
    "emergency": ["15", "17", "18", "112", "114", "115", "119", "191", "196", "197", "116000", "116117", "1 1 2", "110"]
    + ["+3317", "0033112", "+33 18", "+33(0)17"],
    "short": ["3615", "3117", "3919", "1023", "118218", "36 15"],
    "premium": ["0899 12 34 56", "0836 65 65 65", "0810 12 34 56", "0825 12 34 56", "+33 899 12 34 56"],
    "wrong": ["06 12 34 56 7", "06 12 34 56 78 9", "", "abc", "0612345678a", "+33", "06 12 34 56 78 / 07", "٠٦١٢"],
}


@pytest.mark.parametrize(("written", "e164"), WRITTEN.items())
def test_a_number_as_people_write_it_becomes_e164(written, e164):
    assert numbers.to_e164(written) == e164
    assert numbers.to_e164(e164) == e164
    assert numbers.to_e164(numbers.show(e164)) == e164


@pytest.mark.parametrize(("reason", "written"), [(why, number) for why in REFUSED for number in REFUSED[why]])
def test_a_number_that_may_not_be_called_is_refused_with_the_reason(reason, written):
    with pytest.raises(UserError) as refused:
        numbers.to_e164(written)
    assert refused.value.key == f"provision-number-{reason}"


def test_a_landline_that_is_to_get_sms_alone_is_doubtful():
    def contact(number: str, by: str) -> Contact:
        return Contact.model_validate({"name": number, "number": number, "by": by, "rank": 1})

    doubtful = numbers.doubts(
        [contact(number, by) for number in ("+33123456789", "+33612345678") for by in ("sms", "call", "both")]
    )
    assert [doubt.number for doubt in doubtful] == ["+33123456789"]
    assert "01 23 45 67 89" in str(doubtful[0])
