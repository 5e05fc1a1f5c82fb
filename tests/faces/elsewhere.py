#!/usr/bin/env python3
"""Photos that have nothing to do with those the face locator was trained or tested on, to judge it by.

    tests/faces/elsewhere.py PHOTOS
    host-trainer evaluate --model models/face.onnx --data PHOTOS --no-record

Fetches packages from registry.npmjs.org, in which page templates and other people's face detectors bring photos along: 320 photos, 163
of them with 190 faces, portraits mostly, the rest of rooms, things and landscapes, some with people from behind. PHOTOS becomes a folder as
`evaluate` takes it; the pictures stay theirs and never enter this project, which keeps only names, SHA-256 and boxes (elsewhere.csv).

How the boxes came about: MTCNN and MediaPipe's two detectors looked at every photo (beside.py), and somebody at every box, with those of
this project's locator drawn beside them. What both saw is a face, with MTCNN's box; of what one saw, what the eye confirmed (with MediaPipe's
box, moved and stretched as the two differ in the median). Photos in which somebody else was to be seen were left out, as were silhouettes,
faces behind a hand, masks, drawings and pictures within pictures. So these are no hard faces, one that neither detector saw is not among
them, and boxes begin at the hairline as MTCNN's do. Nothing in the model was chosen by these photos.

Needs Python 3.9 alone, and a minute; some 160 MB are fetched and 50 kept.
"""

import argparse
import csv
import hashlib
import io
import sys
import tarfile
import urllib.request
from collections import defaultdict
from pathlib import Path

REGISTRY = "https://registry.npmjs.org"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="PHOTOS", help="folder to make")
    out = parser.parse_args().out
    if out.exists():
        parser.error(f"{out} is there already; name a new folder")
    if not out.parent.is_dir():
        parser.error(f"{out.parent} is no folder to make {out.name} in")
    packages = defaultdict(lambda: defaultdict(list))
    with Path(__file__).with_suffix(".csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            packages[row["package"], row["version"]][row["path"]].append(row)
    pictures = {}
    boxes = [["file", "x", "y", "w", "h"]]
    for number, ((package, version), photos) in enumerate(packages.items()):
        print(f"{number + 1}/{len(packages)} {package} {version}: {len(photos)} photos", flush=True)
        archive = fetch(package, version)
        for path, rows in photos.items():
            picture = archive.extractfile(path).read()
            if hashlib.sha256(picture).hexdigest() != rows[0]["sha256"]:
                sys.exit(f"elsewhere.py: {path} in {package} {version} is not the photo whose faces were marked")
            name = rows[0]["sha256"][:12] + Path(path).suffix
            pictures[name] = picture
            boxes += [[name, *(row[side] for side in "xywh")] for row in rows]
    # All of it is there: nothing is left behind where something could not be fetched.
    images = out / "test/images"
    try:
        images.mkdir(parents=True)
        for name, picture in pictures.items():
            (images / name).write_bytes(picture)
        with (out / "test/boxes.csv").open("w", newline="") as file:
            csv.writer(file).writerows(boxes)
    except OSError as error:
        sys.exit(f"elsewhere.py: cannot write {out} ({error})")
    return 0


def fetch(package: str, version: str) -> tarfile.TarFile:
    """A package's archive."""
    address = f"{REGISTRY}/{package}/-/{package.rpartition('/')[2]}-{version}.tgz"
    try:
        with urllib.request.urlopen(address, timeout=90) as answer:
            return tarfile.open(fileobj=io.BytesIO(answer.read()))
    except OSError as error:
        sys.exit(f"elsewhere.py: cannot fetch {address} ({error}); try again")


if __name__ == "__main__":
    sys.exit(main())
