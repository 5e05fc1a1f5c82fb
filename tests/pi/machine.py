"""The emulated Raspberry Pi seen from outside: its console, and its pins over QMP.

QEMU's virtual clock runs with this machine's, so a second here is a second in the guest.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# BCM2835 ARM Peripherals, chapter 6: GPFSEL0..5 from offset 0, three bits a pin; GPLEV0 at 0x34, one bit a pin.
GPIO_BASE = {"raspi3b": 0x3F200000, "raspi4b": 0xFE200000}
DEVICE_TREE = {"raspi3b": "bcm2837-rpi-3-b.dtb", "raspi4b": "bcm2711-rpi-4-b.dtb"}
MEMORY = {"raspi3b": "1G", "raspi4b": "2G"}
REGISTERS = 14
GPLEV0 = 13
OUTPUT = 1
# Seconds between two readings of the pins.
POLL_INTERVAL = 0.04


@dataclass
class Reading:
    """The pins at one moment."""

    at: float
    registers: list[int]

    def high(self, pin: int) -> bool:
        return bool(self.registers[GPLEV0] >> pin & 1)

    def function(self, pin: int) -> int:
        return self.registers[pin // 10] >> pin % 10 * 3 & 7

    def output(self, pin: int) -> bool:
        return self.function(pin) == OUTPUT

    def differs(self, other: "Reading", pin: int) -> bool:
        return (self.high(pin), self.function(pin)) != (other.high(pin), other.function(pin))


@dataclass
class Mark:
    """A line of the guest's scenario: its latest action. `at` is on the readings' clock."""

    at: float
    words: list[str]


@dataclass
class Record:
    """Everything one run of the machine showed."""

    console: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    ended: float = 0.0
    # Why the machine did not come to its scenario's end; empty when it did.
    cut_short: str = ""


class Pins(threading.Thread):
    """Reads the pins over QMP until the machine is gone."""

    def __init__(self, monitor: Path, machine: str, record: Record):
        super().__init__(daemon=True)
        self.monitor, self.record = monitor, record
        self.query = f"xp /{REGISTERS}wx {GPIO_BASE[machine]:#x}"

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.monitor))
                self.poll(connection.makefile("rw"))
        except (OSError, ValueError):
            # The machine has gone: how the run ended is the console's to say.
            return

    def poll(self, stream):
        stream.readline()

        def ask(command, **arguments):
            stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            stream.flush()
            while "return" not in (answer := json.loads(stream.readline())):
                if "error" in answer:
                    raise ValueError(answer["error"]["desc"])
            return answer["return"]

        ask("qmp_capabilities")
        while True:
            words = re.findall(r"(?<=[ ])0x[0-9a-f]{8}\b", ask("human-monitor-command", **{"command-line": self.query}))
            self.record.readings.append(Reading(time.monotonic(), [int(word, 16) for word in words]))
            time.sleep(POLL_INTERVAL)


def play(qemu: str, machine: str, guest: Path, initrd: Path, parts: list[str], limit: float, folder: Path) -> Record:
    """Boots `machine` with `initrd`, lets it play `parts`, and watches it for at most `limit` seconds."""
    record = Record()
    monitor = folder / "qmp"
    monitor.unlink(missing_ok=True)
    command = [
        *[qemu, "-M", machine, "-m", MEMORY[machine], "-accel", "tcg", "-kernel", guest / "kernel"],
        *["-dtb", guest / DEVICE_TREE[machine], "-initrd", initrd, "-display", "none", "-monitor", "none", "-no-reboot"],
        *["-serial", "stdio", "-qmp", f"unix:{monitor},server=on,wait=off", "-append"],
        "console=ttyAMA0,115200 rdinit=/init iomem=relaxed panic=-1 quiet parts=" + ",".join(parts),
    ]
    # A QEMU that was fetched must not take the firmware and modules of an older one that is installed.
    home = Path(qemu).parent.parent
    command[1:1] = ["-L", home / "share/qemu"]
    modules = {"QEMU_MODULE_DIR": str(next(home.glob("lib/*/qemu"), ""))}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=os.environ | modules, **streams) as process:
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            while not monitor.exists() and process.poll() is None:
                time.sleep(0.01)
            Pins(monitor, machine, record).start()
            for line in process.stdout:
                note_line(record, line.decode(errors="replace").rstrip())
        finally:
            timer.cancel()
            process.kill()
    record.ended = time.monotonic()
    if not record.marks or record.marks[-1].words != ["end"]:
        record.cut_short = "the guest did not come to its end"
        if process.returncode == -9:
            record.cut_short += f" within {limit:.0f} s"
    return record


def note_line(record: Record, line: str):
    now = time.monotonic()
    record.console.append(line)
    if "@@ " in line:
        record.marks.append(Mark(now, line.split("@@ ", 1)[1].split()))
