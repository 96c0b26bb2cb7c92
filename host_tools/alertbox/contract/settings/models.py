"""The box's settings as the host checks them: a second opinion that shares no code with the box.

`firmware/settings.cddl` is the contract and `tests/vectors/settings.json` holds both sides to it. Every field may be
absent and then has its default; an unknown field is refused, so that a typo is not silently a default.

A document that a box exports has null for every secret, and null in one that is put means "keep what you have":
`Settings.read` takes both with `export=True`.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from alertbox.contract.settings.refused import FieldPath, SettingsRefused, problem

VERSION = 2
KINDS = ("inform", "help", "alarm")  # weakest first
GESTURES = ("click", "double", "hold")  # least pressing first
WHO = ("box", "receiver", "both", "nobody")
BY = ("both", "sms", "call")
BIP_KINDS = ("auto", "button", "switch")  # see kind in settings.cddl
MOST_CONTACTS, MOST_WIFI, MOST_BIPS = 5, 3, 16
PLACEHOLDERS = ("shop", "address", "time", "map", "code")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLACEHOLDER = re.compile("{(?:" + "|".join(PLACEHOLDERS) + ")}")


def _fault(key: str, at: FieldPath = (), **fields: object) -> PydanticCustomError:
    """A refusal by us: `key` is its sentence, `at` leads from where it was found to the field to name."""
    return PydanticCustomError(key, "{at}", {"at": at, **fields})


def _matches(pattern: str, key: str, flags: int = 0) -> AfterValidator:
    compiled = re.compile(pattern, flags)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise _fault(key)
        return value

    return AfterValidator(check)


def _no_doubles(field: str) -> AfterValidator:
    def check(rows: list[Any]) -> list[Any]:
        seen: dict[object, int] = {}
        for place, row in enumerate(rows):
            first = seen.setdefault(getattr(row, field), place)
            if first != place:
                raise _fault("provision-bad-double", (place, field), place=first + 1)
        return rows

    return AfterValidator(check)


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise _fault("provision-bad-line")
    return value


def _braces(value: str) -> str:
    if re.search("[{}]", _PLACEHOLDER.sub("", value)):
        raise _fault("provision-bad-placeholder", known=" ".join(f"{{{name}}}" for name in PLACEHOLDERS))
    return value


def _ssid_bytes(value: str) -> str:
    if not 1 <= len(value.encode()) <= 32:
        raise _fault("provision-bad-ssid")
    return value


def _four_decimals(value: float) -> float:
    """11 m, what the chip's 32-bit floats keep for sure; so that what is read back equals what was written."""
    return round(value, 4)


def _secret(value: str | None, info: ValidationInfo) -> str | None:
    if value is None and not (info.context or {}).get("export"):
        raise _fault("provision-bad-secret")
    return value


_Line = AfterValidator(_one_line)
_Text40 = Annotated[StrictStr, Field(min_length=1, max_length=40), _Line]
_Text60 = Annotated[StrictStr, Field(max_length=60), _Line]
_Text120 = Annotated[StrictStr, Field(max_length=120), _Line]
_Template = Annotated[StrictStr, Field(max_length=160), _Line, AfterValidator(_braces)]
_Host = Annotated[StrictStr, Field(max_length=253), _matches(r"[A-Za-z0-9._-]*", "provision-bad-host")]
_Apn = Annotated[StrictStr, Field(max_length=63), _matches(r"[A-Za-z0-9._-]*", "provision-bad-apn")]
_Quotable = Annotated[StrictStr, Field(max_length=63), _matches(r"[ !#-~]*", "provision-bad-modem")]
_WifiKey = Annotated[StrictStr, _matches("([ -~]{8,63})?", "provision-bad-wifi-key")]
_Pin = Annotated[StrictStr, _matches("([0-9]{4,8})?", "provision-bad-pin")]
_BipKey = Annotated[StrictStr, _matches("([0-9a-f]{32})?", "provision-bad-bip-key")]
_Mac = Annotated[StrictStr, _matches("[0-9a-f]{12}", "provision-bad-mac")]
_Keep = AfterValidator(_secret)
_ClockTime = Annotated[StrictStr, _matches("([01][0-9]|2[0-3]):[0-5][0-9]", "provision-bad-time")]
_Zone = Literal[
    "Europe/Paris",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "America/Miquelon",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Wallis",
    "Pacific/Tahiti",
    "Pacific/Marquesas",
    "Pacific/Gambier",
]
_Kind = Literal["inform", "help", "alarm"]
_Who = Literal["box", "receiver", "both", "nobody"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_by_alias=True, validate_by_name=True, allow_inf_nan=False)


class Shop(_Part):
    name: _Text60 = ""
    address: _Text120 = ""
    latitude: Annotated[StrictFloat, Field(ge=-90, le=90), AfterValidator(_four_decimals)] | None = None
    longitude: Annotated[StrictFloat, Field(ge=-180, le=180), AfterValidator(_four_decimals)] | None = None
    zone: _Zone = "Europe/Paris"

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise _fault("provision-bad-place", ("latitude" if self.latitude is None else "longitude",))
        return self


class Contact(_Part):
    name: _Text40
    number: Annotated[StrictStr, _matches(r"\+[1-9][0-9]{7,14}", "provision-bad-e164")]
    by: Literal["sms", "call", "both"] = "both"
    rank: Annotated[StrictInt, Field(ge=1, le=MOST_CONTACTS)]
    takeover: StrictBool = True
    quiet: StrictBool = False


class Gestures(_Part):
    click: _Kind = "inform"
    double: _Kind = "help"
    hold: _Kind = "alarm"

    @model_validator(mode="after")
    def _strength_does_not_fall(self) -> Self:
        for weaker, stronger in (("click", "double"), ("double", "hold")):
            if KINDS.index(getattr(self, weaker)) > KINDS.index(getattr(self, stronger)):
                raise _fault("provision-bad-strength", (stronger,))
        return self


class Reach(_Part):
    """Who reaches the contacts, by kind."""

    inform: _Who = "box"
    help: _Who = "box"
    alarm: _Who = "box"


class Policy(_Part):
    button: Gestures = Gestures()
    foot: Gestures = Gestures()
    bip: Gestures = Gestures()
    contacts: Reach = Reach()


class Wifi(_Part):
    ssid: Annotated[StrictStr, AfterValidator(_ssid_bytes), _Line]
    key: Annotated[_WifiKey | None, _Keep] = ""


class ReceiverAddress(_Part):
    host: _Host = ""
    port: Annotated[StrictInt, Field(ge=1, le=65535)] = 8883
    server_name: _Host = ""


class Lte(_Part):
    apn: _Apn = ""
    user: _Quotable = ""
    password: Annotated[_Quotable | None, _Keep] = ""
    pin: Annotated[_Pin | None, _Keep] = ""


class Bip(_Part):
    id: Annotated[StrictInt, Field(ge=1, le=MOST_BIPS)]
    mac: _Mac
    key: Annotated[_BipKey | None, _Keep] = ""
    name: _Text40
    policy: Gestures | None = None
    supervision_s: Annotated[StrictInt, Field(ge=0, le=86400)] = 0
    kind: Literal["auto", "button", "switch"] = "auto"

    @model_validator(mode="after")
    def _informs_without_key(self) -> Self:
        if self.policy and self.key == "":
            raise _fault("provision-bad-policy-without-key", ("policy",))
        return self


class SilentHours(_Part):
    begin: Annotated[_ClockTime, Field(alias="from")]
    to: _ClockTime

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.begin == self.to:
            raise _fault("provision-bad-silence", ("to",))
        return self


class Siren(_Part):
    allowed: StrictBool = False
    form: _Text60 = ""
    max_s: Annotated[StrictInt, Field(ge=10, le=180)] = 180

    @model_validator(mode="after")
    def _form_when_allowed(self) -> Self:
        if self.allowed and not self.form:
            raise _fault("provision-bad-form", ("form",))
        return self


class Templates(_Part):
    language: Literal["fr", "en"] = "fr"
    inform: _Template = ""
    help: _Template = ""
    alarm: _Template = ""


class Inputs(_Part):
    """What is wired to the box, and how its contact is at rest; of the case, while it is closed."""

    button: Literal["open", "closed"] = "open"
    foot: Literal["none", "open", "closed"] = "none"
    tamper: Literal["none", "open", "closed"] = "closed"
    mains_s: Annotated[StrictInt, Field(ge=1, le=3600)] = 60


class Settings(_Part):
    """The whole document. Get one from `Settings.read`, which refuses in sentences; `document()` is what to put."""

    version: Annotated[StrictInt, Field(ge=VERSION, le=VERSION)]
    shop: Shop = Shop()
    contacts: Annotated[list[Contact], Field(max_length=MOST_CONTACTS), _no_doubles("number"), _no_doubles("rank")] = []
    policy: Policy = Policy()
    wifi: Annotated[list[Wifi], Field(max_length=MOST_WIFI), _no_doubles("ssid")] = []
    receiver: ReceiverAddress = ReceiverAddress()
    lte: Lte = Lte()
    bips: Annotated[list[Bip], Field(max_length=MOST_BIPS), _no_doubles("id"), _no_doubles("mac")] = []
    silent_hours: SilentHours | None = None
    siren: Siren = Siren()
    templates: Templates = Templates()
    inputs: Inputs = Inputs()

    @classmethod
    def read(cls, document: object, *, export: bool = False) -> "Settings":
        """The settings in a JSON document; SettingsRefused names every fault. `export`: secrets may be null."""
        try:
            return cls.model_validate(document, context={"export": export})
        except ValidationError as error:
            raise SettingsRefused([problem(fault) for fault in error.errors()]) from None

    def document(self) -> dict[str, Any]:
        """JSON-able and sparse: what is at its default is left out."""
        return {"version": VERSION, **self.model_dump(by_alias=True, exclude_defaults=True)}

    def changed(self, part: str, value: object) -> "Settings":
        """The same with one part put, checked whole. `value`: a part, a list of them, or their documents."""
        return Settings.read({**self.document(), part: _plain(value)}, export=True)


def default() -> Settings:
    """What a box without settings acts on."""
    return Settings(version=VERSION)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    return [_plain(row) for row in value] if isinstance(value, list) else value


def known(path: FieldPath) -> list[str]:
    """The names that may stand in the part at `path`."""
    model: Any = Settings
    for step in path:
        if isinstance(step, str):
            model = _model(model.model_fields[step].annotation) if step in model.model_fields else None
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model(annotation: Any) -> Any:
    """The part's class within `Part`, `Part | None` or `list[Part]`; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, getattr(annotation, "__args__", ()))), None)
