"""What the pins must show after each step of the guest's scenario."""

import re

from machine import Mark, Reading, Record

PINS = {"angry": 17, "happy": 27, "sad": 22, "camera": 23}
# The header's other pins.
OTHERS = sorted(set(range(28)) - set(PINS.values()))
MOODS = ("angry", "happy", "sad")
# Seconds of guest time until the right light is on after a picture changed: emulated floating point is slow.
SETTLED = 4.0
# Seconds until a fault shows, and until a runtime that was told to end has darkened its pins.
FAULT = 2.0
DARK = 2.0
# Longest pause between two attempts to open a camera.
REOPENED = 4.0
# Most kibibytes the runtime may ever have held.
MEMORY = 40 * 1024
# Milliseconds between which camera to light must lie at the median. A frame's time of capture and now, if they were told by two
# clocks, would be hours apart or not at all.
LATENCY = (5.0, 1500.0)
# What the runtime says when it panics because it was told to.
PANIC = "the panic that MOODLIGHT_PANIC_AT asks for"
# The runtime's exit code where lights cannot be driven.
LIGHTS = 6
# What `doctor` must say of each machine, and how it may end: a loopback is an odd camera and this an odd Pi, but nothing is broken.
DOCTOR = ("Raspberry Pi 3", "loopback camera", "GPIO17")
DOCTOR_ENDS = ("0", "10")


class Watch:
    """One machine's record, judged step by step; `findings` are sentences, `problems` those that are wrong."""

    def __init__(self, record: Record):
        self.record = record
        self.active_low = False
        self.part = ""
        # Since when, and with what readings, the runtime has been told to end.
        self.ending: tuple[Mark, list[Reading]] | None = None
        # The pins before the runtime started.
        self.resting: Reading | None = None
        self.findings: list[str] = []
        self.problems: list[str] = []

    def judge(self):
        marks = self.record.marks
        for mark, following in zip(marks, [*marks[1:], Mark(self.record.ended, ["end"])]):
            readings = [reading for reading in self.record.readings if mark.at <= reading.at < following.at]
            self.step(mark, readings)
            self.others_rest(mark, readings)
        if self.record.cut_short:
            self.problems.append(self.record.cut_short)

    def step(self, mark: Mark, readings: list[Reading]):
        what, *words = mark.words
        match what.rstrip(":"):
            case "part":
                self.part = words[0]
            case "wiring":
                self.active_low = words[0] == "true"
                self.resting = [reading for reading in self.record.readings if reading.at < mark.at][-1]
            case "picture" if self.part == "panic":
                # The panic comes when it comes, before or after the guest says so; the lights are dark from then on.
                self.settles(mark, self.until_dark(readings, words[0]), {words[0], "camera"}, SETTLED)
            case "picture":
                self.settles(mark, readings, {words[0], "camera"}, SETTLED)
            case "nobody":
                self.settles(mark, readings, {"camera"}, SETTLED)
            case "recovery":
                self.settles(mark, readings, {words[0], "camera"}, SETTLED + REOPENED)
            case "watching":
                self.camera_steady(mark, readings, SETTLED + (REOPENED if words else 0.0))
            case "ending":
                self.ending = (mark, readings)
            case "dark":
                # Counted from the signal, not from the end of the process.
                since, before = self.ending or (mark, [])
                self.ending = None
                self.settles(Mark(since.at, mark.words), before + readings, set(), DARK)
                if words[-1] in ("SIGTERM", "SIGINT"):
                    self.latency(mark)
                if words[-1] == "panic":
                    self.verdict(PANIC in self.said("runtime: "), mark, f"it said: {PANIC}")
            case "fault":
                self.blinks(mark, readings)
            case "memory":
                self.verdict(int(words[0]) <= MEMORY, mark, f"{int(words[0]) / 1024:.1f} MiB at most, of {MEMORY // 1024}")
            case "refused":
                named = "GPIO 17 is held by `moodlight`" in " ".join(words)
                self.verdict(words[0] == str(LIGHTS) and named, mark, f"wanted: exit code {LIGHTS}, pin and holder")
            case "doctor":
                self.doctor(mark, words[0])
            case "failed":
                self.verdict(False, mark, "")

    def lit(self, reading: Reading) -> set[str]:
        return {light for light, pin in PINS.items() if reading.high(pin) != self.active_low}

    def until_dark(self, readings: list[Reading], mood: str) -> list[Reading]:
        """What was read until all lights went out after the mood's was lit."""
        lit = [self.lit(reading) for reading in readings]
        shown = next((at for at, lights in enumerate(lit) if mood in lights), len(lit))
        return readings[: next((at for at in range(shown, len(lit)) if not lit[at]), len(lit))]

    def settles(self, mark: Mark, readings: list[Reading], wanted: set[str], limit: float):
        """From some moment within `limit` until the next step, the lights are those wanted and no others."""
        settled = None
        for reading in readings:
            if self.lit(reading) != wanted:
                settled = None
            elif settled is None:
                settled = reading.at - mark.at
        outputs = not wanted or readings and all(readings[-1].output(pin) for pin in PINS.values())
        if not outputs:
            self.verdict(False, mark, "a pin is not an output")
        elif settled is None:
            self.verdict(False, mark, "the lights are " + (names(self.lit(readings[-1])) if readings else "unread"))
        else:
            self.verdict(settled <= limit, mark, f"after {settled:.2f} s, of {limit:.0f}: {names(wanted)}")

    def blinks(self, mark: Mark, readings: list[Reading]):
        """Within the time a fault may take, and from then on, no mood is lit and the camera light goes on and off."""
        moods = [reading.at - mark.at for reading in readings if self.lit(reading) - {"camera"}]
        dark_after = max(moods, default=0.0)
        camera = ["camera" in self.lit(reading) for reading in readings if reading.at - mark.at > dark_after]
        changes = sum(before != after for before, after in zip(camera, camera[1:]))
        first = next((r.at - mark.at for r in readings if "camera" not in self.lit(r)), float("inf"))
        shown = max(dark_after, first)
        self.verdict(
            changes >= 3 and shown <= FAULT,
            mark,
            f"moods dark after {dark_after:.2f} s, camera light first off after {first:.2f} s, of {FAULT:.0f}; "
            f"it changed {changes} times",
        )

    def camera_steady(self, mark: Mark, readings: list[Reading], limit: float):
        """The camera light is on and stays on, with at most one mood; for pictures that are of no mood."""
        off = [reading.at - mark.at for reading in readings if "camera" not in self.lit(reading)]
        crowded = any(len(self.lit(reading) & set(MOODS)) > 1 for reading in readings)
        settled = max(off, default=0.0)
        steady = bool(readings) and "camera" in self.lit(readings[-1]) and settled <= limit
        self.verdict(steady and not crowded, mark, f"camera light steady after {settled:.2f} s, of {limit:.0f}")

    def others_rest(self, mark: Mark, readings: list[Reading]):
        """No pin but those of the lights has changed since the runtime started, neither its level nor what it is for."""
        if resting := self.resting:
            changed = [pin for pin in OTHERS if any(reading.differs(resting, pin) for reading in readings)]
            if changed:
                self.verdict(False, mark, f"pins without a light changed: {changed}")

    def said(self, start: str) -> str:
        """The console's lines of this part that begin so."""
        part = "\n".join(self.record.console).partition(f"@@ part {self.part}\n")[2].partition("@@ part ")[0]
        return "\n".join(line for line in part.splitlines() if line.startswith(start))

    def doctor(self, mark: Mark, code: str):
        missing = [words for words in DOCTOR if words not in self.said("doctor: ")]
        self.verdict(code in DOCTOR_ENDS and not missing, mark, f"not named: {missing}" if missing else "names " + ", ".join(DOCTOR))

    def latency(self, mark: Mark):
        """A run that ended in good order tells how long it took from camera to light, by the clock of the camera's driver."""
        told = re.search(r"camera to light: ([0-9.]+) ms p50, .*", self.said("runtime: "))
        right = told is not None and LATENCY[0] <= float(told[1]) <= LATENCY[1]
        self.verdict(right, mark, told[0] if told else "no word of the latency")

    def verdict(self, right: bool, mark: Mark, found: str):
        line = f"{self.part}: {' '.join(mark.words)}: {found}"
        self.findings.append(("  ok     " if right else "  WRONG  ") + line)
        if not right:
            self.problems.append(line)


def names(lights: set[str]) -> str:
    return " + ".join(sorted(lights)) or "no light"


def history(record: Record) -> list[str]:
    """Marks and every change of the pins, in order, in seconds since the first mark."""
    start = record.marks[0].at if record.marks else 0.0
    lines = [(mark.at, " ".join(mark.words)) for mark in record.marks]
    before = None
    for reading in record.readings:
        now = [
            f"{light} {'out' if reading.output(pin) else 'in'} {'high' if reading.high(pin) else 'low'}"
            for light, pin in PINS.items()
        ]
        if now != before:
            lines.append((reading.at, "    " + ", ".join(now)))
        before = now
    return [f"{at - start:8.2f}  {text}" for at, text in sorted(lines)]
