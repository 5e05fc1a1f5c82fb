#!/usr/bin/env python3
"""Holds exported models against ONNX's own checker and against ONNX Runtime.

For each model: the ONNX checker with shape inference accepts it, it carries Moodlight's card, and ONNX Runtime gives the
probabilities that our engine gives, within 1e-4, or for a face model the maps, within 1e-3, on the very same input tensors of
50 pictures. Exits non-zero otherwise.

    pip install numpy onnx onnxruntime
    tests/onnx/check.py models/emotion.onnx             # on 50 drawn faces
    tests/onnx/check.py --data PICTURES models/*.onnx   # on 50 pictures from a folder of your own

The tensors are made by the example program `tensors` of this folder's package, which cargo builds on the way; --tensors
names one that is already built.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from google.protobuf.message import DecodeError

TOLERANCE = 1e-4
# A face model's maps are logits and logarithms, not probabilities, and some ten times as large.
MAPS_TOLERANCE = 1e-3
# A face model's maps, and the pixels on both axes that one of their cells stands for.
MAPS, CELL = 5, 8
PICTURES = 50
SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = ["contract_version", "name", "task", "labels", "input_width", "input_height", "input_channels", "input_colour",
        "pixel_offset", "pixel_scale", "crop_margin", "temperature", "thresholds", "precision", "training_data",
        "data_fingerprint"]


def card(model):
    """The card's properties by key, and what is wrong with them."""
    properties = {entry.key: entry.value for entry in model.metadata_props}
    missing = [key for key in KEYS if not properties.get(f"moodlight.{key}")]
    return properties, [f"the card lacks moodlight.{key}" for key in missing]


def shape(value):
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def check(path, program, pictures):
    """What is wrong with the model; prints the largest difference of any answer."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    properties, faults = card(model)
    if faults:
        return faults
    labels = properties["moodlight.labels"].split(",")
    side = [int(properties[f"moodlight.input_{which}"]) for which in ("channels", "height", "width")]
    if shape(model.graph.input[0]) != [1, *side]:
        faults.append(f"the card says an input of {[1, *side]}, the graph {shape(model.graph.input[0])}")
    face = properties.get("moodlight.task") == "face"
    output = [1, MAPS, side[1] // CELL, side[2] // CELL] if face else [1, len(labels)]
    if shape(model.graph.output[0]) != output:
        faults.append(f"the card says an output of {output}, the graph {shape(model.graph.output[0])}")

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*program, path, folder, *pictures], check=True, cwd=ROOT)
        folder = pathlib.Path(folder)
        answers = json.loads((folder / "answers.json").read_text())
        tensors = numpy.fromfile(folder / "input.f32", dtype="<f4").reshape(answers["shape"])
    if answers["labels"] != labels:
        faults.append(f"our engine reads the labels {answers['labels']}, the file says {labels}")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    theirs = numpy.concatenate([session.run(None, {name: tensor[None]})[0] for tensor in tensors])
    theirs = theirs.reshape(len(theirs), -1)
    ours = numpy.asarray(answers["answers"], dtype=numpy.float32)
    allowed = MAPS_TOLERANCE if face else TOLERANCE
    if theirs.shape != ours.shape:
        return [*faults, f"ONNX Runtime answers {theirs.shape}, our engine {ours.shape}"]
    differences = numpy.abs(theirs - ours).max(axis=1)
    worst = int(differences.argmax())
    # A NaN must not pass, so the comparison asks for what is right.
    if not differences[worst] <= allowed:
        faults.append(f"on {answers['pictures'][worst]} ONNX Runtime gives {theirs[worst]}, our engine {ours[worst]}")
    if face:
        seen = f"{int((ours[:, :ours.shape[1] // MAPS] > 0).sum())} cells that are likely a face's centre"
    else:
        seen = "answers: " + ", ".join(sorted({labels[index] for index in ours.argmax(axis=1)}))
    print(f"{path}: checker passed; {len(ours)} pictures ({seen}), "
          f"largest difference {differences[worst]:.2e} of {allowed:.0e} allowed")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help=f"take {PICTURES} pictures from below this folder")
    parser.add_argument("--tensors", type=pathlib.Path, help="the example program, already built")
    arguments = parser.parse_args()

    program = ["cargo", "run", "--quiet", "-p", "end-to-end-tests", "--example", "tensors", "--"]
    if arguments.tensors:
        program = [arguments.tensors.resolve()]
    pictures = []
    if arguments.data:
        found = sorted(path for path in arguments.data.resolve().rglob("*") if path.suffix.lower() in SUFFIXES)
        if len(found) < PICTURES:
            sys.exit(f"{arguments.data} holds {len(found)} pictures, {PICTURES} are needed")
        pictures = random.Random(1).sample(found, PICTURES)

    failed = False
    for model in arguments.models:
        try:
            faults = check(model.resolve(), program, pictures)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            faults = [f"the ONNX checker refuses it: {error}"]
        except DecodeError as error:
            faults = [f"it is no complete ONNX file: {error}"]
        except subprocess.CalledProcessError as error:
            faults = [f"our engine failed (exit code {error.returncode})"]
        for fault in faults:
            print(f"{model}: {fault}", file=sys.stderr)
        failed |= bool(faults)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
