#!/usr/bin/env python3
"""How steady the runtime is when photographed faces move, grow, shrink, grow dark and blur, go away and come back.

    cargo build --release
    tests/faces/robust.py --faces CROPS --rooms PHOTOS target/release/edge-runtime

CROPS holds face crops in LABEL/*, such as an expression data set's test folder; PHOTOS holds photos without faces, or boxes.csv
with file,x,y,w,h beside images/, of which those with an empty box are taken. Each clip shows one crop before one photo in 640x480 grey frames, which PROGRAM (edge-runtime) reads from its standard input, every frame
of 30 a second:

    1 s   nobody
    5 s   somebody who comes in from the left, walks through the room, comes nearer and goes back, while the light goes down to
          a third and up again and the lens loses the focus and finds it again
    0.3 s hidden behind something
    2 s   there again, and out to the right
    2 s   nobody

A face counts as found where it is, within a third of its crop's side. Crops of expression data sets show profiles, hands and hair over
faces, too, which no movement makes harder to find: so each crop is shown first where it stands still, in good light, at three places
of its walk. Only who was found in the last third of a second before something hid them can be found again: other clips do not count
there. Needs numpy and Pillow. Prints what it saw of all clips, and of those whose face is found standing at two of three places;
exit code 1 where less than 95 of 100 of all are as they should be.
"""

import argparse
import csv
import json
import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

WIDTH, HEIGHT, FPS = 640, 480, 30
EMPTY, WALK, HIDDEN, BACK, GONE = 30, 150, 9, 60, 60
# Frames until a face that is there again must be found: 300 ms.
FOUND_AGAIN = 9
# Frames before somebody is hidden, in one of which they must have been found to be found again.
BEFORE = 10
# How far from its crop's middle a face's may be, and how wide its box, in sides of the crop.
NEAR, NARROWEST, WIDEST = 1 / 3, 0.35, 1.2
# Frames in which somebody stands still, at each of these steps of the walk, and of how many of these places make a face that is found.
STILL, PLACES, ENOUGH = 20, (40, 75, 110), 2
# The share of clips that must be as they should be.
WANTED = 0.95
# Nobody's mood changes twice within a second.
FLICKER = 30


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("program", type=Path, help="the edge-runtime that is tried")
    parser.add_argument("--faces", type=Path, required=True, metavar="CROPS", help="folder of face crops, LABEL/*")
    parser.add_argument("--rooms", type=Path, required=True, metavar="PHOTOS", help="folder of photos without faces")
    parser.add_argument("--clips", type=int, default=40, metavar="N", help="clips to show (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which crops and photos (default: %(default)s)")
    arguments = parser.parse_args()
    faces = sorted(path for path in arguments.faces.glob("*/*") if path.is_file())
    rooms = photos_without_faces(arguments.rooms)
    if not faces or not rooms:
        parser.error(f"{len(faces)} face crops and {len(rooms)} photos found: both are needed")
    chance = random.Random(arguments.seed)
    clips = [(chance.choice(faces), chance.choice(rooms), chance.random()) for _ in range(arguments.clips)]
    results, plain = [], []
    for number, (face, room, phase) in enumerate(clips):
        result = judge(play(arguments.program, clip(face, room, phase, walk(phase))), phase)
        results.append(result)
        if stands_out(arguments.program, face, room, phase):
            plain.append(result)
        wrong = [name for name, right in result.items() if right is False]
        hard = "" if plain and plain[-1] is result else " (not found standing still)"
        print(f"{number + 1}/{len(clips)} {face.parent.name}/{face.name} before {room.name}: {', '.join(wrong) or 'as it should be'}{hard}")
    print(f"\n{'':48} {len(results):3} clips  {len(plain):3} of a face that is found standing still")
    enough = True
    for name in results[0]:
        counted = [[result[name] for result in some if result[name] is not None] for some in (results, plain)]
        share, of_plain = (sum(some) / max(1, len(some)) for some in counted)
        enough &= share >= WANTED
        of = "" if len(counted[0]) == len(results) else f"  of {len(counted[0])} and {len(counted[1])}"
        print(f"{name:48} {100 * share:7.1f} %  {100 * of_plain:7.1f} %{of}")
    return 0 if enough else 1


def photos_without_faces(folder: Path) -> list[Path]:
    """The pictures in the folder; where it has boxes, those without one."""
    boxes = folder / "boxes.csv"
    if boxes.exists():
        with boxes.open(newline="") as rows:
            return sorted(folder / "images" / row["file"] for row in csv.DictReader(rows) if not row["x"])
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def walk(phase: float):
    """Of each frame of a clip, where the face is, how bright it is there, and how blurred."""
    for number in range(EMPTY + WALK + HIDDEN + BACK + GONE):
        step = number - EMPTY
        light = 1.0 - 0.67 * max(0.0, math.sin(math.pi * (step - 40) / 60)) if 40 <= step < 100 else 1.0
        blur = 2.0 * math.sin(math.pi * (step - 100) / 40) if 100 <= step < 140 else 0.0
        yield place(step, phase), light, blur


def stands_out(program: Path, face: Path, room: Path, phase: float) -> bool:
    """Whether the face is found, standing still in good light, in the last frame at two of three places."""
    places = [place(step, phase) for step in PLACES]
    good = 0
    for at in places:
        last = play(program, clip(face, room, phase, [(at, 1.0, 0.0)] * STILL))[-1]
        good += found(last, at) is not None
    return good >= ENOUGH


def grey(path: Path) -> Image.Image:
    """A picture in grey."""
    try:
        return Image.open(path).convert("L")
    except OSError as error:
        sys.exit(f"robust.py: {path} is no picture that can be read ({error}); take it out of its folder")


def clip(face: Path, room: Path, phase: float, course):
    """The clip, frame by frame, as bytes; `course` tells of each frame where the face is, how bright it is there, and how blurred."""
    wall = grey(room)
    scale = max((WIDTH + 80) / wall.width, (HEIGHT + 60) / wall.height)
    wall = wall.resize((math.ceil(wall.width * scale), math.ceil(wall.height * scale)), Image.BILINEAR)
    crop = grey(face)
    side = 256
    crop = crop.resize((side, side), Image.BILINEAR)
    # An oval whose edge fades, so that hair and background of the crop do not stand in the room as a square.
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    edge = 1.0 - np.hypot((x - 0.5) / 0.5, (y - 0.5) / 0.56)
    mask = Image.fromarray((np.clip(edge / 0.12, 0, 1) * 255).astype(np.uint8))
    for number, (at, light, blur) in enumerate(course):
        # The camera trembles a little.
        left = 40 + 6 * math.sin(number / 9 + phase)
        top = 30 + 5 * math.cos(number / 7)
        picture = wall.crop((int(left), int(top), int(left) + WIDTH, int(top) + HEIGHT))
        if at:
            across, down, size = at
            size = max(8, int(size))
            own = crop.resize((size, size), Image.BILINEAR)
            picture.paste(own, (int(across - size / 2), int(down - size / 2)), mask.resize((size, size), Image.BILINEAR))
        if blur > 0:
            picture = picture.filter(ImageFilter.GaussianBlur(blur))
        pixels = np.asarray(picture, dtype=np.float32) * light
        pixels += np.random.default_rng(number).normal(0, 2.0, pixels.shape)
        yield np.clip(pixels, 0, 255).astype(np.uint8).tobytes()


def place(step: int, phase: float):
    """Where the crop's middle is, and its side, in pixels; None while nobody is there or something hides them."""
    if step < 0 or WALK <= step < WALK + HIDDEN or step >= WALK + HIDDEN + BACK:
        return None
    if step < WALK:
        share = step / WALK
        across = -90 + min(1.0, step / 30) * 250 + 260 * 0.5 * (1 - math.cos(math.pi * share))
        size = 150 + 110 * math.sin(math.pi * share)
    else:
        step -= WALK + HIDDEN
        across = 420 + max(0.0, step - 30) / 30 * 420
        size = 150
    return across, 250 + 30 * math.sin(step / 25 + 6 * phase), size


def play(program: Path, shown) -> list[dict]:
    """The runtime's events for each frame."""
    command = [program, "--config", "/dev/null", "--source", f"stdin:{WIDTH}x{HEIGHT}:grey", "--every-frame", "--json"]
    command += ["--lights", "terminal", "--fps", str(FPS)]
    done = subprocess.run(command, input=b"".join(shown), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        sys.exit(f"{program}: exit code {done.returncode}: {done.stderr.decode()}")
    return [event for event in events if event["event"] == "frame"]


def judge(events: list[dict], phase: float) -> dict[str, bool | None]:
    """Of each check whether the clip is as it should be; None where it does not count."""
    whole = EMPTY + 30, EMPTY + WALK
    hidden = EMPTY + WALK
    back = hidden + HIDDEN
    gone = back + BACK
    anybody = [bool(event["faces"]) for event in events]
    # In each frame the face where it is, if it is found there.
    there = [found(event, place(number - EMPTY, phase)) for number, event in enumerate(events)]
    states = [event["state"] for event in events]
    moods = [event["mood"] for event in events]
    # From when the face is whole in view until it is hidden.
    walking = there[whole[0] : whole[1]]
    return {
        "nobody is seen in the empty room": not any(anybody[:EMPTY]),
        "the face is found in 95 of 100 frames": sum(map(bool, walking)) >= 0.95 * len(walking),
        "it stays the same person's": len({face["id"] for face in walking if face}) == 1,
        "the mood does not flicker": not flickers(moods[whole[0] : whole[1]]),
        "while it is hidden nobody is seen": not any(anybody[hidden:back]),
        "found again within 300 ms": any(there[back : back + FOUND_AGAIN]) if any(there[hidden - BEFORE : hidden]) else None,
        "no face, and no light, 1.5 s after it went": all(state == "no_face" for state in states[gone + 45 :]),
    }


def found(event: dict, at: tuple[float, float, float] | None) -> dict | None:
    """The face of an event that is at this place, if one is."""
    if at is None:
        return None
    across, down, size = at
    for face in event["faces"]:
        left, top, width, height = face["box"]
        off = math.hypot(left + width / 2 - across, top + height / 2 - down)
        if off <= NEAR * size and NARROWEST * size <= width <= WIDEST * size:
            return face
    return None


def flickers(moods: list[str | None]) -> bool:
    """Whether anything is shown for less than a second between two changes: the same mood before and after, or two others."""
    runs: list[list] = []
    for mood in moods:
        if runs and runs[-1][0] == mood:
            runs[-1][1] += 1
        else:
            runs.append([mood, 1])
    return any(length < FLICKER for _, length in runs[1:-1])


if __name__ == "__main__":
    sys.exit(main())
