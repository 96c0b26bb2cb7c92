"""The fields of the box's two documents: types, bounds, defaults, and for people what each one is.

Pure. The table is one text, not nested tuples: the box keeps it for ever and reads it seldom, and a text takes a tenth
of the heap. firmware/settings.cddl is the contract that it follows.

An object begins with its name at the margin. Each line below it is a field: name, type, lowest, highest, default, and
what it is. Several names with commas are as many fields. The two bounds are of a text's length or a number's value.
A field with default `!` must be there.

    >object    an object of this name          object*   a list of them, lowest..highest long
    a|b        one of these texts               type?     or null
    line       one line of any characters       bytes     the same, its length counted in bytes of UTF-8
    ascii quotable host digits hex              texts of these characters; hex is of whole bytes
    phone hour zone template                    texts of a form of their own
    whole degrees flag                          numbers, true or false

A text with the default "" may be empty whatever its bounds: a password has 8 characters or none.
"""

import json

_TABLE = """
settings
 version whole 2 2 ! the version
 shop >shop - - {} the shop
 contacts contact* 0 5 [] the contacts
 policy >policy - - {} what presses mean
 wifi wifi* 0 3 [] the Wi-Fi networks, the preferred one first
 receiver >receiver - - {} where the receiver is
 lte >lte - - {} mobile data
 bips bip* 0 16 [] the bips
 silent_hours >silent? - - null the hours without sound, or null
 siren >siren - - {} the siren
 templates >templates - - {} the contacts' messages
 inputs >inputs - - {} what is wired to the box
shop
 name line 0 60 "" the shop's name
 address line 0 120 "" the shop's address
 latitude degrees? -90 90 null degrees north, together with the longitude, or null
 longitude degrees? -180 180 null degrees east, together with the latitude, or null
 zone zone 1 60 "Europe/Paris" the shop's time zone, as Europe/Paris
contact
 name line 1 40 ! the contact's name
 number phone 9 16 ! a phone number as +33612345678
 by sms|call|both - - "both" how the contact is reached
 rank whole 1 5 ! the contact's rank, 1 is called first
 takeover flag - - true whether taking charge stops the calls to lower ranks
 quiet flag - - false whether the contact gets no message of an inform
policy
 button,foot,bip >gestures - - {} what its gestures mean
 contacts >who - - {} who reaches the contacts
gestures
 click inform|help|alarm - - "inform" what one press means
 double inform|help|alarm - - "help" what two presses mean, nothing weaker than one
 hold inform|help|alarm - - "alarm" what a held press means, nothing weaker than two presses
who
 inform,help,alarm box|receiver|both|nobody - - "box" who reaches the contacts
wifi
 ssid bytes 1 32 ! the network's name
 key ascii 8 63 "" the network's key in ASCII, or empty
receiver
 host host 0 253 "" a DNS name or IPv4 address
 port whole 1 65535 8883 the receiver's port
 server_name host 0 253 "" the name in the certificate, or empty if it is the host
lte
 apn host 0 63 "" the access point's name
 user,password quotable 0 63 "" ASCII characters without quotes
 pin digits 4 8 "" the SIM card's PIN, or empty
bip
 id whole 1 16 ! the bip's number
 mac hex 12 12 ! the bip's address in lower-case hex
 key hex 32 32 "" the bip's key in lower-case hex, or empty if it has none
 name line 1 40 ! the bip's name
 policy >gestures? - - null what this bip's gestures mean, or null, as a bip without a key must have
 supervision_s whole 0 86400 0 seconds of silence that are a fault, 0 for a bip that does not say that it is there
 kind auto|button|switch - - "auto" whether it says at each press that it is held; a switch does, a button not
silent
 from,to hour 5 5 ! a time as 22:30, the two not the same
siren
 allowed flag - - false whether the site's signed risk form allows the siren
 form line 0 60 "" the signed risk form's reference, needed where the siren is allowed
 max_s whole 10 180 180 seconds of one alarm
templates
 language fr|en - - "fr" the language of messages
 inform,help,alarm template 0 160 "" a text with no braces but {shop} {address} {time} {map} {code}
inputs
 button open|closed - - "open" how the button's contact rests
 foot none|open|closed - - "none" how the foot switch's contact rests, or none
 tamper none|open|closed - - "closed" how the case's contact is while the case is closed, or none
 mains_s whole 1 3600 60 seconds until lost or returned mains is told
enrolment
 version whole 2 2 ! the version
 issued whole 0 4294967295 ! Unix seconds
 user,password line 1 128 ! what the receiver knows the box by
 secret hex 64 64 ! lower-case hex
 ca hex 2 4096 ! the authority's certificate, DER in lower-case hex
 town hex 130 130 "" the town's public key, lower-case hex that begins with 04, or empty
"""


def fields(name: str) -> list:
    """The fields of an object, in order, each as [name, type, lowest, highest, default, what it is], all texts."""
    start = _TABLE.find("\n%s\n " % name) + len(name) + 3
    rows = []
    while _TABLE[start - 1 : start] == " ":
        end = _TABLE.find("\n", start)
        names, rest = _TABLE[start:end].split(" ", 1)
        rows += [[one] + rest.split(" ", 4) for one in names.split(",")]
        start = end + 2
    return rows


def default_of(row: list) -> object:
    """The default of a field; None if it has none."""
    return None if row[4] == "!" else json.loads(row[4])
