"""The sentences that a person reads, in English and French.

The language is that of `--lang`, else of LC_ALL, LC_MESSAGES or LANG, else English.
"""

import os

_chosen: str | None = None

LANGUAGES = ("en", "fr")

TEXTS: dict[str, tuple[str, str]] = {
    # key: (English, French)
    "ready": (
        "Receiver ready on {address}. Stop it with Ctrl-C.",
        "Récepteur prêt sur {address}. Ctrl-C pour l'arrêter.",
    ),
    "stopped": (
        "Receiver stopped: {received} alerts received, {refused} refused.",
        "Récepteur arrêté : {received} alertes reçues, {refused} refusées.",
    ),
    "town-created": (
        "Town created in {path}. Keep this folder secret: it holds the authority's key and every box's secret.",
        "Commune créée dans {path}. Gardez ce dossier secret : il contient la clé de l'autorité et ceux des boîtiers.",
    ),
    "enrolled": (
        "{name} enrolled as box {box}. Copy the files in {path} to the box, then delete them here.",
        "{name} enrôlé, boîtier {box}. Copiez les fichiers de {path} sur le boîtier, puis supprimez-les ici.",
    ),
    "revoked": (
        "{name} revoked: its alerts are refused from now on.",
        "{name} révoqué : ses alertes sont désormais refusées.",
    ),
    "not-a-town": (
        "{path} is not a town's folder: make one with `alertbox town create {path}`.",
        "{path} n'est pas le dossier d'une commune : créez-en un avec `alertbox town create {path}`.",
    ),
    "town-exists": (
        "{path} already exists and is not empty: choose another folder, so that no key is overwritten.",
        "{path} existe déjà et n'est pas vide : choisissez un autre dossier, pour n'écraser aucune clé.",
    ),
    "cannot-write": (
        "Cannot write {path}: {detail}.",
        "Impossible d'écrire {path} : {detail}.",
    ),
    "town-damaged": (
        "{path} cannot be read ({detail}): restore it from a backup.",
        "{path} est illisible ({detail}) : restaurez-le depuis une sauvegarde.",
    ),
    "bad-name": (
        "{name!r} is neither a host name nor an IP address: give one like alerts.example.org or 192.0.2.1.",
        "{name!r} n'est ni un nom d'hôte ni une adresse IP : donnez par exemple alerts.example.org ou 192.0.2.1.",
    ),
    "bad-public-key": (
        "The public key is not a P-256 point of 65 bytes (130 hexadecimal digits from 04): copy it again from the box.",
        "La clé publique n'est pas un point P-256 de 65 octets (130 chiffres hexadécimaux, 04 d'abord) : recopiez-la.",
    ),
    "bad-box-name": (
        "A box needs a name of 1 to 100 printable characters.",
        "Un boîtier a besoin d'un nom de 1 à 100 caractères imprimables.",
    ),
    "bad-port": (
        "{port} is not a port: give a number from 1 to 65535.",
        "{port} n'est pas un port : donnez un nombre de 1 à 65535.",
    ),
    "key-revoked": (
        "This key was revoked on {when}: make a new key on the box, then enrol it.",
        "Cette clé a été révoquée le {when} : créez une nouvelle clé sur le boîtier, puis enrôlez-le.",
    ),
    "no-such-box": (
        "No box in service is called {name!r}: see the names with `alertbox town boxes {path}`.",
        "Aucun boîtier en service ne s'appelle {name!r} : voyez les noms avec `alertbox town boxes {path}`.",
    ),
    "database-damaged": (
        "{path} is damaged or is not the receiver's database: restore it from a backup.",
        "{path} est endommagé ou n'est pas la base du récepteur : restaurez-le depuis une sauvegarde.",
    ),
    "database-unusable": (
        "{path} cannot be used ({detail}): check the disk and the rights on it.",
        "{path} est inutilisable ({detail}) : vérifiez le disque et les droits.",
    ),
    "cannot-listen": (
        "Cannot listen on {address} ({detail}): choose another --port or --listen, or stop the program that has it.",
        "Impossible d'écouter sur {address} ({detail}) : choisissez un autre --port ou --listen,"
        " ou arrêtez le programme qui l'occupe.",
    ),
    "bad-broker-url": (
        "{url!r} is not a broker's address: write mqtts://USER:PASSWORD@HOST:PORT.",
        "{url!r} n'est pas l'adresse d'un serveur MQTT : écrivez mqtts://UTILISATEUR:MOTDEPASSE@HOTE:PORT.",
    ),
    "broker-unreachable": (
        "The broker at {address} cannot be used ({detail}): check its address, certificate and password.",
        "Le serveur MQTT {address} est inutilisable ({detail}) : vérifiez l'adresse, le certificat et le mot de passe.",
    ),
    "no-micropython": (
        "No MicroPython at {path}: run `make setup`, or set MICROPYTHON to a build of its unix port.",
        "Pas de MicroPython dans {path} : lancez `make setup`, ou indiquez une version unix par MICROPYTHON.",
    ),
    "no-terminal": (
        "Keys need a terminal: run `alertbox sim --keys` in one, or use --press.",
        "Les touches demandent un terminal : lancez `alertbox sim --keys` dans un terminal, ou utilisez --press.",
    ),
    "stepped-needs-press": (
        "With the stepped clock time only passes with a press: add --press.",
        "Avec l'horloge pas à pas, le temps n'avance qu'avec un appui : ajoutez --press.",
    ),
    "sim-ready": (
        "Box and receiver are running. The box's serial: {serial}. The receiver's port: {port}.",
        "Boîtier et récepteur en marche. Liaison série du boîtier : {serial}. Port du récepteur : {port}.",
    ),
    "sim-stored": (
        "Receiver: {kind}, sequence {sequence}, from {name}: verified and stored.",
        "Récepteur : {kind}, séquence {sequence}, de {name} : vérifié et enregistré.",
    ),
    "key-one": ("one press: inform", "un appui : informer"),
    "key-two": ("two presses: help", "deux appuis : à l'aide"),
    "key-hold": ("a held press: alarm", "appui long : alarme"),
    "key-wifi": ("Wi-Fi off or on", "Wi-Fi coupé ou rétabli"),
    "key-mains": ("mains off or on", "secteur coupé ou rétabli"),
    "key-power": ("all power off or on", "toute alimentation coupée ou rétablie"),
    "key-quit": ("leave", "quitter"),
    "demo-title": ("Times in milliseconds since the press", "Temps en millisecondes depuis l'appui"),
    "demo-setting-up": (
        "A town, a receiver and a blank box are set up; the box makes its key and is enrolled.",
        "Une commune, un récepteur et un boîtier vierge sont préparés ; le boîtier crée sa clé et est enrôlé.",
    ),
    "demo-one": ("One press informs.", "Un appui informe."),
    "demo-two": ("Two presses call for help.", "Deux appuis appellent à l'aide."),
    "demo-held": ("A held press raises the alarm.", "Un appui long déclenche l'alarme."),
    "demo-frantic": ("Frantic presses are help, once.", "Des appuis affolés : à l'aide, une seule fois."),
    "demo-offline": (
        "Wi-Fi is cut, two presses are queued, the power fails and returns, Wi-Fi returns.",
        "Wi-Fi coupé, deux appuis en attente, coupure et retour du courant, retour du Wi-Fi.",
    ),
    "demo-replayed": ("An attacker replays the last alert.", "Un attaquant rejoue la dernière alerte."),
    "demo-forged": (
        "An attacker forges an alarm in the box's name.",
        "Un attaquant contrefait une alarme au nom du boîtier.",
    ),
    "demo-refused": ("refused: {reason}", "refusé : {reason}"),
    "demo-order": (
        "What arrived is not in the order in which it was pressed.",
        "Ce qui est arrivé n'est pas dans l'ordre des appuis.",
    ),
    "demo-act": ("what happens", "ce qui se passe"),
    "demo-kind": ("kind", "type"),
    "moment-pressed": ("pressed", "appui"),
    "moment-classified": ("classified", "reconnu"),
    "moment-journalled": ("journalled", "journalisé"),
    "moment-sent": ("sent", "envoyé"),
    "moment-verified": ("verified", "vérifié"),
    "moment-received": ("received", "reçu"),
}


def choose(language: str | None) -> None:
    """Fix the language for this process; None goes back to the environment's."""
    global _chosen
    _chosen = language


def language() -> str:
    """`en` or `fr`."""
    if _chosen:
        return _chosen
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def say(key: str, **fields: object) -> str:
    """The sentence for `key` in the language in force."""
    return TEXTS[key][LANGUAGES.index(language())].format(**fields)
