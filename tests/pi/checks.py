"""What the pins must show after each step of the guest's scenario."""

import re

from machine import Mark, Reading, Record

PINS = {"angry": 17, "happy": 27, "sad": 22, "camera": 23}
# The header's other pins.
OTHERS = sorted(set(range(28)) - set(PINS.values()))
MOODS = ("angry", "happy", "sad")
# Seconds of guest time until the right light is on after a picture changed: emulated floating point is slow.
MAX_SETTLING = 4.0
# Seconds until a fault shows, and until a runtime has darkened its pins after a signal.
MAX_UNTIL_FAULT = 2.0
MAX_UNTIL_DARK = 2.0
# Longest pause between two attempts to open a camera.
MAX_REOPENING = 4.0
# Kibibytes of the runtime's peak memory.
MAX_MEMORY = 40 * 1024
# Limits of the median latency from camera to light, in milliseconds. Times of capture from another clock would be hours away or
# negative.
LATENCY = (5.0, 1500.0)
# The message of the panic that the test asks for.
PANIC = "the panic that MOODLIGHT_PANIC_AT asks for"
# The runtime's exit code where lights cannot be driven.
LIGHTS = 6
# What `doctor` must name, and its possible exit codes: it may warn of the loopback camera, but nothing is broken.
DOCTOR_NAMES = ("Raspberry Pi 3", "loopback camera", "GPIO17")
DOCTOR_CODES = ("0", "10")


class Watch:
    """One machine's record, judged step by step; `findings` are sentences, `problems` those that are wrong."""

    def __init__(self, record: Record):
        self.record = record
        self.active_low = False
        self.part = ""
        # The mark of the signal that ends the runtime, and the readings since.
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
                # The panic may come before or after the guest's mark; the lights are dark from then on.
                self.settles(mark, self.until_dark(readings, words[0]), {words[0], "camera"}, MAX_SETTLING)
            case "picture":
                self.settles(mark, readings, {words[0], "camera"}, MAX_SETTLING)
            case "nobody":
                self.settles(mark, readings, {"camera"}, MAX_SETTLING)
            case "recovery":
                self.settles(mark, readings, {words[0], "camera"}, MAX_SETTLING + MAX_REOPENING)
            case "watching":
                self.camera_steady(mark, readings, MAX_SETTLING + (MAX_REOPENING if words else 0.0))
            case "ending":
                self.ending = (mark, readings)
            case "dark":
                # Counted from the signal, not from the end of the process.
                since, before = self.ending or (mark, [])
                self.ending = None
                self.settles(Mark(since.at, mark.words), before + readings, set(), MAX_UNTIL_DARK)
                if words[-1] in ("SIGTERM", "SIGINT"):
                    self.latency(mark)
                if words[-1] == "panic":
                    self.verdict(PANIC in self.console_lines("runtime: "), mark, f"message: {PANIC}")
            case "fault":
                self.blinks(mark, readings)
            case "memory":
                self.verdict(int(words[0]) <= MAX_MEMORY, mark, f"{int(words[0]) / 1024:.1f} MiB at most, of {MAX_MEMORY // 1024}")
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
        """The readings until all lights went out after the mood's was lit."""
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
        """From MAX_UNTIL_FAULT on no mood is lit, and the camera light blinks."""
        moods = [reading.at - mark.at for reading in readings if self.lit(reading) - {"camera"}]
        dark_after = max(moods, default=0.0)
        camera = ["camera" in self.lit(reading) for reading in readings if reading.at - mark.at > dark_after]
        changes = sum(before != after for before, after in zip(camera, camera[1:]))
        first = next((r.at - mark.at for r in readings if "camera" not in self.lit(r)), float("inf"))
        shown = max(dark_after, first)
        self.verdict(
            changes >= 3 and shown <= MAX_UNTIL_FAULT,
            mark,
            f"moods dark after {dark_after:.2f} s, camera light first off after {first:.2f} s, of {MAX_UNTIL_FAULT:.0f}; "
            f"it changed {changes} times",
        )

    def camera_steady(self, mark: Mark, readings: list[Reading], limit: float):
        """The camera light is on and stays on, with at most one mood; for pictures without a mood."""
        off = [reading.at - mark.at for reading in readings if "camera" not in self.lit(reading)]
        crowded = any(len(self.lit(reading) & set(MOODS)) > 1 for reading in readings)
        settled = max(off, default=0.0)
        steady = bool(readings) and "camera" in self.lit(readings[-1]) and settled <= limit
        self.verdict(steady and not crowded, mark, f"camera light steady after {settled:.2f} s, of {limit:.0f}")

    def others_rest(self, mark: Mark, readings: list[Reading]):
        """No pin other than the lights' has changed its level or function since the runtime started."""
        if resting := self.resting:
            changed = [pin for pin in OTHERS if any(reading.differs(resting, pin) for reading in readings)]
            if changed:
                self.verdict(False, mark, f"pins without a light changed: {changed}")

    def console_lines(self, start: str) -> str:
        """This part's lines of the console that begin with `start`."""
        part = "\n".join(self.record.console).partition(f"@@ part {self.part}\n")[2].partition("@@ part ")[0]
        return "\n".join(line for line in part.splitlines() if line.startswith(start))

    def doctor(self, mark: Mark, code: str):
        missing = [words for words in DOCTOR_NAMES if words not in self.console_lines("doctor: ")]
        self.verdict(code in DOCTOR_CODES and not missing, mark, f"not named: {missing}" if missing else "names " + ", ".join(DOCTOR_NAMES))

    def latency(self, mark: Mark):
        """A run that ended in good order logs its latency from camera to light, by the clock of the camera's driver."""
        logged = re.search(r"camera to light: ([0-9.]+) ms p50, .*", self.console_lines("runtime: "))
        right = logged is not None and LATENCY[0] <= float(logged[1]) <= LATENCY[1]
        self.verdict(right, mark, logged[0] if logged else "no latency in the log")

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
