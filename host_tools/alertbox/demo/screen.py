"""How the demo looks: a live table on a terminal, plain lines elsewhere."""

from rich.console import Console
from rich.live import Live
from rich.table import Table

from alertbox import texts
from alertbox.demo.timeline import MOMENTS, Row


class PlainScreen:
    """A line an act, a line an alert once it is complete."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[int] = set()

    def __enter__(self) -> "PlainScreen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def act(self, text: str) -> None:
        self._print(f"* {text}")

    def alert(self, row: Row) -> None:
        if row.complete and row.sequence not in self._told:
            self._told.add(row.sequence)
            times = "  ".join(f"{texts.say('moment-' + moment)} {row.moments[moment]:.0f}" for moment in MOMENTS)
            self._print(f"  #{row.sequence} {row.kind}: {texts.say('moment-pressed')} 0  {times} ms")

    def refused(self, reason: str) -> None:
        self.note(texts.say("demo-refused", reason=reason))

    def note(self, text: str) -> None:
        self._print("  " + text)

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveScreen:
    """One table that fills while the story goes on."""

    def __init__(self, console: Console) -> None:
        self._act = ""
        self._lines: list[tuple[str, ...]] = []
        self._places: dict[int, int] = {}
        self._live = Live(console=console, refresh_per_second=8, get_renderable=self._table)

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def act(self, text: str) -> None:
        self._act = text

    def alert(self, row: Row) -> None:
        cells = [f"{row.moments[moment]:.0f}" if moment in row.moments else "…" for moment in MOMENTS]
        self._put(row.sequence, (self._act, f"#{row.sequence}", row.kind, "0", *cells))

    def refused(self, reason: str) -> None:
        self.note(texts.say("demo-refused", reason=reason))

    def note(self, text: str) -> None:
        self._lines.append((self._act, "", text, *[""] * (len(MOMENTS) + 1)))

    def _put(self, sequence: int, line: tuple[str, ...]) -> None:
        if sequence in self._places:
            place = self._places[sequence]
            line = (self._lines[place][0], *line[1:])
            self._lines[place] = line
        else:
            self._places[sequence] = len(self._lines)
            self._lines.append(line)

    def _table(self) -> Table:
        table = Table(title=texts.say("demo-title"), caption=self._act)
        table.add_column(texts.say("demo-act"))
        table.add_column("#")
        table.add_column(texts.say("demo-kind"))
        for moment in ("pressed", *MOMENTS):
            table.add_column(texts.say("moment-" + moment), justify="right")
        act = None
        for line in self._lines:
            table.add_row("" if line[0] == act else line[0], *line[1:])
            act = line[0]
        return table


def open_screen() -> PlainScreen | LiveScreen:
    console = Console()
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)
