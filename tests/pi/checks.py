"""What the pins must show after each step of the guest's scenario."""

from machine import Mark, Reading, Record

PINS = {"angry": 17, "happy": 27, "sad": 22, "camera": 23}
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


class Watch:
    """One machine's record, judged step by step; `findings` are sentences, `problems` those that are wrong."""

    def __init__(self, record: Record):
        self.record = record
        self.active_low = False
        self.part = ""
        self.findings: list[str] = []
        self.problems: list[str] = []

    def judge(self):
        marks = self.record.marks
        for mark, following in zip(marks, [*marks[1:], Mark(self.record.ended, ["end"])]):
            readings = [reading for reading in self.record.readings if mark.at <= reading.at < following.at]
            self.step(mark, readings)
        if self.record.cut_short:
            self.problems.append(self.record.cut_short)

    def step(self, mark: Mark, readings: list[Reading]):
        what, *words = mark.words
        match what.rstrip(":"):
            case "part":
                self.part = words[0]
            case "wiring":
                self.active_low = words[0] == "true"
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
            case "dark":
                self.settles(mark, readings, set(), DARK)
            case "fault":
                self.blinks(mark, readings)
            case "memory":
                self.verdict(int(words[0]) <= MEMORY, mark, f"{int(words[0]) / 1024:.1f} MiB at most, of {MEMORY // 1024}")
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
