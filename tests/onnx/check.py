#!/usr/bin/env python3
"""Checks exported models with ONNX's own checker and against ONNX Runtime.

For each model: the ONNX checker with shape inference accepts it, it carries Moodlight's card, and ONNX Runtime gives the
probabilities that our engine gives, within 1e-4, or for a face model the maps, within 1e-3, on the very same input tensors of
50 pictures. Of an integer model every activation of every layer is compared, too, and none may be further than one step from ONNX
Runtime's. Exits non-zero otherwise.

    pip install numpy onnx onnxruntime
    tests/onnx/check.py models/emotion.onnx             # on 50 drawn faces
    tests/onnx/check.py --data PICTURES models/*.onnx   # on 50 pictures from a folder of your own

The tensors are made by the example program `tensors` of this folder's package, which cargo builds on the way; --tensors
names one that is already built.
"""

import argparse
import copy
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


def value_of(graph, layer):
    """The graph's value that holds a layer's numbers: its convolution's output, or what is folded into it."""
    readers = lambda name: [node for node in graph.node if name in node.input]
    value = next(node for node in graph.node if node.name == layer["name"]).output[0]
    if layer["pooled"]:
        (pool,) = readers(value)
        value = pool.output[0]
    if layer["added"]:
        for expected in ("DequantizeLinear", "Add", "QuantizeLinear"):
            (node,) = readers(value)
            assert node.op_type == expected, f"{layer['name']} is followed by {node.op_type}"
            value = node.output[0]
    return value


def steps_apart(model, layers, numbers, tensors):
    """By how many steps any activation of a layer differs from ONNX Runtime's, layer by layer; all pictures together."""
    opened = copy.deepcopy(model)
    names = [value_of(model.graph, layer) for layer in layers]
    opened.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT8, None) for name in names)
    session = onnxruntime.InferenceSession(opened.SerializeToString(), providers=["CPUExecutionProvider"])
    apart = [0] * len(layers)
    for tensor, ours in zip(tensors, numbers):
        begin = 0
        for index, theirs in enumerate(session.run(names, {session.get_inputs()[0].name: tensor[None]})):
            end = begin + theirs.size
            mine = ours[begin:end].reshape(layers[index]["shape"])
            apart[index] = max(apart[index], int(numpy.abs(mine.astype(int) - theirs[0].astype(int)).max()))
            begin = end
        assert begin == len(ours), f"our engine gives {len(ours)} numbers, ONNX Runtime {begin}"
    return apart


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
        numbers = numpy.fromfile(folder / "maps.i8", dtype=numpy.int8).reshape(len(tensors), -1)
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
    integer = sum(node.op_type == "QLinearConv" for node in model.graph.node)
    if integer != len(answers["layers"]):
        return [*faults, f"it has {integer} integer convolutions, our engine shows {len(answers['layers'])}"]
    if integer:
        apart = steps_apart(model, answers["layers"], numbers, tensors)
        faults += [f"{layer['name']}: an activation is {steps} steps from ONNX Runtime's"
                   for layer, steps in zip(answers["layers"], apart) if steps > 1]
        print(f"{path}: {numbers.size} activations of {integer} integer layers, at most {max(apart)} steps of 1 allowed apart")
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
