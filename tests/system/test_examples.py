"""What the papers and the help say can be typed, typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alertbox.cli import COMMANDS

ROOT = Path(__file__).parents[2]
ALERTBOX = Path(sys.executable).parent / "alertbox"


def run(command: list[str], cwd: Path, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, PATH=f"{ALERTBOX.parent}:{os.environ['PATH']}", LANG="C.UTF-8", COLUMNS="100")
    environment.pop("LC_ALL", None)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


def example(command: str, cwd: Path) -> str:
    """The lines under `Example:` in a command's help."""
    text = run(["alertbox", command, "--help"], cwd).stdout
    return "\n".join(line.strip() for line in text.split("Example:")[1].strip().splitlines())


def test_the_help_names_every_command_in_a_line(tmp_path):
    text = run(["alertbox", "--help"], tmp_path).stdout
    listed = {words[0] for line in text.splitlines() if (words := line.split()) and line.startswith("  ")}
    assert set(COMMANDS) <= listed
    modules = {path.stem for path in (ROOT / "host_tools" / "alertbox" / "commands").glob("[a-z]*.py")}
    assert modules == {name.replace("-", "_") for name in COMMANDS}


def test_the_guide_names_every_command_and_the_package_every_folder():
    guide = (ROOT / "host_tools" / "README.md").read_text(encoding="utf-8")
    rows = "".join(line for line in guide.splitlines() if line.startswith("| `alertbox"))
    assert {name for name in COMMANDS if not re.search(rf"`(alertbox )?{name}`", rows)} == set()
    package = ROOT / "host_tools" / "alertbox"
    text = (package / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert {name for name in folders if f"`{name}/`" not in text} == set()


def test_the_examples_of_sim_press_a_button_and_a_bip_and_show_what_the_receiver_stored(tmp_path):
    result = run(["bash", "-euc", example("sim", tmp_path)], tmp_path)
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stdout.splitlines() if line.startswith("Receiver: ")]
    start = "Receiver: {}, sequence 1, from Boulangerie Martin, {}: verified and stored"
    assert told == [
        start.format("help", "button") + ".",
        start.format("inform", "bip 1") + ".",
        start.format("alarm", "bip 1").replace("sequence 1", "sequence 2") + ", joins incident 1.",
    ]


def test_the_example_of_receiver_runs_and_stops(tmp_path):
    result = run(["bash", "-euc", example("receiver", tmp_path)], tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Receiver ready on" in result.stdout
    assert "Receiver stopped: 0 alerts received, 0 refused." in result.stdout


def test_ten_lines_of_python_start_a_box_press_and_read_the_stored_alert(tmp_path):
    text = (ROOT / "host_tools" / "alertbox" / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    result = run([sys.executable, "-c", code], tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Boulangerie Martin inform 1\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["sim", "--clock", "stepped"], "alertbox: With the stepped clock time only passes with a press: add --press."),
        (["sim", "--keys"], "alertbox: Keys need a terminal: run `alertbox sim --keys` in one, or use --press."),
        (["receiver", "run", "nowhere"], "alertbox: nowhere is not a town's folder"),
    ],
)
def test_a_users_mistake_ends_in_one_sentence_and_status_1(tmp_path, command, sentence):
    typed = [str(ALERTBOX), "--lang", "en", *command]
    result = subprocess.run(typed, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert result.returncode == 1
    (last,) = result.stderr.strip().splitlines()
    assert last.startswith(sentence)


def test_a_wrong_option_is_a_usage_error_with_status_2(tmp_path):
    result = run(["alertbox", "sim", "--press", "soon"], tmp_path)
    assert result.returncode == 2
    assert "'soon' is not a list of presses" in result.stderr


def test_a_missing_micropython_is_named_with_what_to_do(tmp_path):
    environment = dict(os.environ, MICROPYTHON="/no/such/micropython")
    command = [str(ALERTBOX), "--lang", "en", "sim", "--press", "120"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "No MicroPython at /no/such/micropython: run `make setup`" in result.stderr
    assert "Traceback" not in result.stderr
