"""The wizard: the questions, part by part, until the technician says that it is right.

A blank box is walked through; one that has contacts goes straight to the summary, where any part can be changed.
It only makes settings: nothing is written here, and Ctrl-C at any question leaves everything as it was.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from alertbox.contract.settings import (
    BY,
    GESTURES,
    KINDS,
    MOST_CONTACTS,
    MOST_WIFI,
    VERSION,
    WHO,
    Contact,
    Gestures,
    Lte,
    Policy,
    Reach,
    ReceiverAddress,
    Settings,
    SettingsRefused,
    Shop,
    Siren,
    Templates,
    Wifi,
)
from alertbox.errors import UserError
from alertbox.provision import numbers
from alertbox.provision.asking import Ask
from alertbox.provision.report import Screen, title, word
from alertbox.provision.writing import BoxCalls
from alertbox.texts import say

_T = TypeVar("_T")
_FIRST_WALK = ("shop", "contacts", "wifi", "lte")


class Wizard:
    """`settings` is what the answers have made so far; `console` scans and tries the Wi-Fi, None without a box."""

    def __init__(self, ask: Ask, screen: Screen, settings: Settings, console: BoxCalls | None) -> None:
        self.settings = settings
        self._ask = ask
        self._screen = screen
        self._console = console
        self._parts: dict[str, Callable[[], object]] = {
            "shop": self._shop,
            "contacts": self._contacts,
            "wifi": self._wifi,
            "lte": self._lte,
            "receiver": self._receiver,
            "policy": self._policy,
            "templates": self._templates,
            "silent_hours": self._silent_hours,
            "siren": self._siren,
        }

    def walk(self) -> None:
        """The parts that every box needs."""
        for place, name in enumerate(_FIRST_WALK, 1):
            self._screen.heading("provision-step", step=place, steps=len(_FIRST_WALK), part=title(name))
            self._put(name)

    def review(self) -> None:
        """Show everything and change parts until it is right; KeyboardInterrupt if the technician leaves."""
        while True:
            self._screen.settings(self.settings)
            self._screen.doubts(self.settings)
            choices = [(say("provision-menu-go"), "go")]
            choices += [(say("provision-menu-change", part=title(name)), name) for name in self._parts]
            choices.append((say("provision-menu-leave"), "leave"))
            name = self._ask.choose("menu", choices, "go")
            if name == "go":
                return
            if name == "leave":
                raise KeyboardInterrupt
            self._screen.heading("provision-part", part=title(name))
            self._put(name)

    def _put(self, name: str) -> None:
        """Put the answers of one part; a fault between its fields is told, and the part asked again."""
        while True:
            try:
                self.settings = self.settings.changed(name, self._parts[name]())
                return
            except SettingsRefused as error:
                self._screen.warn(str(error))

    # ---- the shop and its contacts ----

    def _shop(self) -> Shop:
        shop = self.settings.shop
        name = self._ask.text("shop-name", shop.name, _needed("shop", "name"))
        address = self._ask.text("shop-address", shop.address, _checked("shop", "address"))
        place = "" if shop.latitude is None else f"{shop.latitude:.4f}, {shop.longitude:.4f}"
        latitude, longitude = self._ask.text("shop-place", place, _place)
        return Shop(name=name, address=address, latitude=latitude, longitude=longitude)

    def _contacts(self) -> list[Contact]:
        """Their order is their rank."""
        ordered = sorted(self.settings.contacts, key=lambda contact: contact.rank)
        rows = self._list("contacts", ordered, MOST_CONTACTS, lambda contact: contact.name, self._contact)
        return [contact.model_copy(update={"rank": place}) for place, contact in enumerate(rows, 1)]

    def _contact(self, held: Contact | None, others: list[Contact]) -> Contact:
        def number(text: str) -> str:
            found = numbers.to_e164(text)
            for other in others:
                if other.number == found:
                    raise UserError("provision-number-double", number=numbers.show(found), name=other.name)
            return found

        written = numbers.show(held.number) if held else ""
        name = self._ask.text("contact-name", held.name if held else "", _checked("contacts", "name"))
        e164 = self._ask.text("contact-number", written, number, name=name)
        by = self._ask.choose("contact-by", [(word("by", by), by) for by in BY], held.by if held else "both", name=name)
        quiet = bool(held and held.quiet)
        if by != "call":
            quiet = not self._ask.yes("contact-inform", not quiet, name=name)
        takeover = self._ask.yes("contact-takeover", held.takeover if held else True, name=name)
        return Contact.model_validate(
            {"name": name, "number": e164, "by": by, "rank": 1, "takeover": takeover, "quiet": quiet}
        )

    def _list(
        self,
        part: str,
        rows: list[_T],
        most: int,
        name: Callable[[_T], str],
        edit: Callable[[_T | None, list[_T]], _T],
    ) -> list[_T]:
        """Add, change, remove and move the rows of a list; the first one is asked for at once."""
        rows = list(rows) or [edit(None, [])]
        while True:
            self._screen.gap()
            for place, row in enumerate(rows, 1):
                self._screen.row(place, row)
            choices: list[tuple[str, tuple[str, int]]] = [(say("provision-list-done"), ("done", 0))]
            if len(rows) < most:
                choices.append((say(f"provision-list-add-{part}"), ("add", 0)))
            for place, row in enumerate(rows):
                choices.append((say("provision-list-change", name=name(row)), ("change", place)))
                if place:
                    choices.append((say("provision-list-up", name=name(row)), ("up", place)))
                choices.append((say("provision-list-remove", name=name(row)), ("remove", place)))
            action, place = self._ask.choose(f"list-{part}", choices, ("done", 0), count=len(rows), most=most)
            if action == "done":
                return rows
            if action == "add":
                rows.append(edit(None, rows))
            elif action == "change":
                rows[place] = edit(rows[place], rows[:place] + rows[place + 1 :])
            elif action == "up":
                rows[place - 1 : place + 1] = rows[place], rows[place - 1]
            elif action == "remove":
                del rows[place]

    # ---- networks ----

    def _wifi(self) -> list[Wifi]:
        if not self.settings.wifi and not self._ask.yes("wifi", True):
            return []
        return self._list("wifi", self.settings.wifi, MOST_WIFI, lambda network: network.ssid, self._network)

    def _network(self, held: Wifi | None, others: list[Wifi]) -> Wifi:
        ssid, is_open = self._ssid(held)
        if any(other.ssid == ssid for other in others):
            self._screen.warn(say("provision-wifi-double", ssid=ssid))
            return self._network(held, others)
        if is_open:
            return Wifi(ssid=ssid)
        kept = held.key if held and held.ssid == ssid else ""
        while True:
            has = kept != "" and held is not None
            key = self._ask.secret("wifi-key-kept" if has else "wifi-key", _checked("wifi", "key"), ssid=ssid)
            network = Wifi(ssid=ssid, key=key) if key or not has else Wifi.model_construct(ssid=ssid, key=kept)
            if not network.key or self._console is None or not self._ask.yes("wifi-try", True, ssid=ssid):
                return network
            try:
                found = self._console.call("wifi_test", ssid, network.key)
            except UserError as error:
                self._screen.warn(str(error))
                if not self._ask.yes("wifi-again", True, ssid=ssid):
                    return network
            else:
                self._screen.good("provision-wifi-works", ssid=ssid, address=found["address"])
                return network

    def _ssid(self, held: Wifi | None) -> tuple[str, bool]:
        """A network out of those that the box hears, or one typed; and whether it is open."""
        heard = self._scan()
        known = held.ssid if held else ""
        if heard:
            choices: list[tuple[str, tuple[str, bool] | None]] = [
                (say("provision-wifi-heard", ssid=ssid, strength=strength), (ssid, is_open))
                for ssid, strength, is_open in heard
            ]
            choices.append((say("provision-wifi-other"), None))
            default = next((value for _, value in choices if value and value[0] == known), choices[0][1])
            chosen = self._ask.choose("wifi-choose", choices, default)
            if chosen is not None:
                return chosen
        return self._ask.text("wifi-ssid", known, _checked("wifi", "ssid")), False

    def _scan(self) -> list[tuple[str, str, bool]]:
        """(name, strength in words, open) of each network in reach, strongest first."""
        if self._console is None:
            return []
        self._screen.line("provision-wifi-scanning", style="dim")
        try:
            networks = self._console.call("wifi_scan")["networks"]
        except UserError as error:
            self._screen.warn(str(error))
            return []
        return [(ssid, _strength(level), bool(is_open)) for ssid, level, is_open in networks if ssid]

    def _lte(self) -> Lte:
        lte = self.settings.lte
        apn = self._ask.text("lte-apn", lte.apn, _checked("lte", "apn"))
        user, password = lte.user, lte.password
        if apn:
            user = self._ask.text("lte-user", lte.user, _checked("lte", "user"))
            if user:
                password = self._ask.secret("lte-password", _checked("lte", "password")) or password
        pin: str | None = ""
        if self._ask.yes("lte-has-pin", bool(lte.pin)):
            pin = self._ask.secret("lte-pin", _checked("lte", "pin")) or lte.pin
        return Lte.model_construct(apn=apn, user=user, password=password, pin=pin)

    def _receiver(self) -> ReceiverAddress:
        held = self.settings.receiver
        host = self._ask.text("receiver-host", held.host, _checked("receiver", "host"))
        port = self._ask.text("receiver-port", str(held.port), _number("receiver", "port"))
        name = self._ask.text("receiver-name", held.server_name, _checked("receiver", "server_name"))
        return ReceiverAddress(host=host, port=port, server_name=name)

    # ---- what a press means and says ----

    def _policy(self) -> Policy:
        held = self.settings.policy
        button = self._gestures("policy-button", held.button)
        same = self._ask.yes("policy-bip-same", held.bip == held.button)
        bip = button if same else self._gestures("policy-bip", held.bip)
        who = [(word("who", value), value) for value in WHO]
        reach = {
            kind: self._ask.choose("policy-who", who, getattr(held.contacts, kind), kind=word("kind", kind))
            for kind in KINDS
        }
        return Policy(button=button, bip=bip, contacts=Reach.model_validate(reach))

    def _gestures(self, name: str, held: Gestures) -> Gestures:
        """Only kinds that are at least as strong as the lesser gesture's are offered."""
        chosen: dict[str, str] = {}
        weakest = 0
        for gesture in GESTURES:
            choices = [(word("kind", kind), kind) for kind in KINDS[weakest:]]
            question = say(f"provision-gesture-{gesture}")
            chosen[gesture] = self._ask.choose(name, choices, getattr(held, gesture), gesture=question)
            weakest = KINDS.index(chosen[gesture])
        return Gestures.model_validate(chosen)

    def _templates(self) -> Templates:
        held = self.settings.templates
        languages = [(word("language", code), code) for code in ("fr", "en")]
        texts = {"language": self._ask.choose("templates-language", languages, held.language)}
        for kind in KINDS:
            check = _checked("templates", kind)
            texts[kind] = self._ask.text("templates-text", getattr(held, kind), check, kind=word("kind", kind))
        templates = Templates.model_validate(texts)
        self._screen.previews(self.settings.changed("templates", templates))
        return templates

    def _silent_hours(self) -> dict[str, str] | None:
        held = self.settings.silent_hours
        if not self._ask.yes("silent", held is not None):
            return None
        begin = self._ask.text("silent-from", held.begin if held else "22:00", _checked("silent_hours", "from"))
        return {
            "from": begin,
            "to": self._ask.text("silent-to", held.to if held else "07:00", _checked("silent_hours", "to")),
        }

    def _siren(self) -> Siren:
        held = self.settings.siren
        if not self._ask.yes("siren", held.allowed):
            return Siren()
        form = self._ask.text("siren-form", held.form, _needed("siren", "form"))
        return Siren(
            allowed=True, form=form, max_s=self._ask.text("siren-max", str(held.max_s), _number("siren", "max_s"))
        )


# ---- checks of one field, by the model itself ----

# What a part needs around the field that is looked at; the rest has defaults.
_AROUND: dict[str, Any] = {
    "contacts": {"name": "x", "number": "+33612345678", "rank": 1},
    "wifi": {"ssid": "x"},
    "silent_hours": {"from": "00:00", "to": "23:59"},
}
_LISTS = ("contacts", "wifi")


def _checked(part: str, field: str) -> Callable[[str], str]:
    """A check of one text field; refuses with the model's sentence for that field alone."""

    def check(text: str) -> str:
        _refuse(part, field, text)
        return text

    return check


def _needed(part: str, field: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text:
            raise UserError("provision-bad-empty")
        return _checked(part, field)(text)

    return check


def _number(part: str, field: str) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isdecimal():
            raise UserError("provision-bad-int")
        _refuse(part, field, int(text))
        return int(text)

    return check


def _refuse(part: str, field: str, value: object) -> None:
    row = _AROUND.get(part, {}) | {field: value}
    try:
        Settings.read({"version": VERSION, part: [row] if part in _LISTS else row})
    except SettingsRefused as error:
        for problem in error.problems:
            if problem.path[-1] == field:
                raise UserError(problem.key, **problem.fields) from None


def _place(text: str) -> tuple[float | None, float | None]:
    """`47.6864, 6.4962` as maps give it."""
    if not text:
        return None, None
    try:
        latitude, longitude = (float(part) for part in text.replace(",", " ").replace(";", " ").split())
        Settings.read({"version": VERSION, "shop": {"latitude": latitude, "longitude": longitude}})
    except (ValueError, SettingsRefused) as error:
        raise UserError("provision-place-wrong", text=text) from error
    return latitude, longitude


def _strength(level_dbm: int) -> str:
    """-65 dBm carries TLS well, below -80 dBm it breaks off."""
    return say("provision-wifi-" + ("strong" if level_dbm >= -65 else "fair" if level_dbm >= -80 else "weak"))
