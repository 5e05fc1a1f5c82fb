#!/usr/bin/env python3
"""Counts the instructions of one inference on an emulated processor with AVX-512 VNNI: ours, ONNX Runtime's and LiteRT's.

    pip install numpy onnx onnxruntime ai-edge-litert
    cargo build --release -p emotion-models --example inference
    tests/engines/instructions.py target/release/examples/inference [MODEL.onnx ...]

For machines without these instructions; where they exist, compare.py measures time. The networks are those of compare.py. All
engines and this Python run in one guest (tests/vnni/run), which takes some ten minutes. Counts repeat to a part in a thousand.
Prints Markdown, in thousands of instructions. Counts are not times: an instruction on 512 bits counts as much as one on 32.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile

GUEST = sys.argv[1:] == ["--guest"]
if GUEST:
    sys.path.insert(0, "/bench/packages")

import numpy as np  # noqa: E402

PICTURES = 1
WARM_UP = 2
RUNS = 5
# What the guest's clock takes for a millisecond: see tests/vnni/run.
INSTRUCTIONS = 1497.6
ENGINES = ["ours int8", "ours f32", "ONNX Runtime u8", "ONNX Runtime f32", "LiteRT int8", "LiteRT f32"]
# Packages of the host's Python that are large and not needed.
LEFT_OUT = ["pip", "setuptools", "pkg_resources", "onnx", "PIL", "pillow.libs", "test", "idlelib", "tkinter", "ensurepip",
            "site-packages", "turtledemo", "lib2to3", "config-*"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="the example `inference` of emotion-models")
    parser.add_argument("models", type=pathlib.Path, nargs="*", help="quantised models")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        names = prepare(tree / "bench", arguments)
        packages(tree)
        run = pathlib.Path(__file__).resolve().parent.parent / "vnni" / "run"
        environment = {"MOODLIGHT_VNNI_SECONDS": "3600", **os.environ}
        guest = subprocess.Popen([run, "--with", tree, os.path.realpath(sys.executable), "/bench/instructions.py", "--guest"],
                                 stdout=subprocess.PIPE, text=True, env=environment)
        found = {}
        for line in guest.stdout:
            if not line.startswith("{"):
                print(line, end="", file=sys.stderr)
                continue
            part = json.loads(line)
            found[part["network"], part["engine"]] = part
            print(f"{part['network']}, {part['engine']}: done", file=sys.stderr)
        if guest.wait() != 0:
            sys.exit(guest.returncode)
    table(names, found)


def table(names, found):
    print(f"| thousands of instructions | {' | '.join(ENGINES)} | int8: ours / best other | f32: ours / ONNX Runtime | ours: int8 / f32 |")
    print("|---|" + "---:|" * (len(ENGINES) + 3))
    for name in names:
        count = {engine: found[name, engine]["ms"] * INSTRUCTIONS for engine in ENGINES}
        ratios = [count["ours int8"] / min(count["ONNX Runtime u8"], count["LiteRT int8"]),
                  count["ours f32"] / count["ONNX Runtime f32"], count["ours int8"] / count["ours f32"]]
        print(f"| {name} | " + " | ".join(f"{count[engine]:.0f}" for engine in ENGINES)
              + "".join(f" | **{ratio:.2f}**" for ratio in ratios) + " |")
    print()
    for name in names:
        difference = lambda engine, ours: float(np.abs(np.subtract(found[name, engine]["answer"], found[name, ours]["answer"])).max())
        print(f"- {name}: largest difference of a probability from ours at the same precision: "
              + ", ".join(f"{engine} {difference(engine, 'ours int8' if engine.endswith(('int8', 'u8')) else 'ours f32'):.1e}"
                          for engine in ENGINES[2:]))
    print(f"- our kernels: {', '.join(sorted({part['kernel'] for part in found.values() if 'kernel' in part}))}")


def prepare(folder, arguments):
    """The networks in each engine's form, and what runs them."""
    import onnx
    from litert import converted
    from nets import NETS
    from convert import as_float, as_u8

    folder.mkdir()
    networks = {path.stem: onnx.load(path) for path in arguments.models}
    networks.update({name: make() for name, make in NETS.items()})
    for name, model in networks.items():
        card = {prop.key.removeprefix("moodlight."): prop.value for prop in model.metadata_props}
        shape = [PICTURES, int(card["input_channels"]), int(card["input_height"]), int(card["input_width"])]
        bytes_ = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
        real = ((bytes_.astype(np.float32) - np.float32(card["pixel_offset"])) * np.float32(card["pixel_scale"]))
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        (folder / f"{name}.u8.onnx").write_bytes(as_u8(model).SerializeToString())
        (folder / f"{name}.f32.onnx").write_bytes(as_float(model).SerializeToString())
        (folder / f"{name}.int8.tflite").write_bytes(converted(model, True))
        (folder / f"{name}.f32.tflite").write_bytes(converted(model, False))
        (folder / f"{name}.pictures").write_bytes(bytes_.tobytes())
        np.save(folder / f"{name}.npy", real)
    (folder / "networks").write_text("\n".join(networks))
    shutil.copy(arguments.program, folder / "inference")
    shutil.copy(__file__, folder)
    return list(networks)


def packages(tree):
    """This Python's library where it looks for it, and the engines."""
    ignored = shutil.ignore_patterns(*LEFT_OUT)
    library = pathlib.Path(os.path.realpath(sysconfig.get_path("stdlib")))
    shutil.copytree(library, tree / library.relative_to("/"), ignore=ignored, symlinks=False)
    shutil.copytree(sysconfig.get_path("purelib"), tree / "bench/packages", ignore=ignored)


def guest():
    """In the guest: runs every engine on every network, and prints the times."""
    import time

    folder = pathlib.Path("/bench")
    networks = (folder / "networks").read_text().split("\n")

    def report(network, engine, times, answer, **more):
        answer = [float(value) for value in answer]
        print(json.dumps({"network": network, "engine": engine, "ms": statistics.median(times), "answer": answer, **more}), flush=True)

    for network in networks:
        for precision in ["int8", "f32"]:
            made = subprocess.run([folder / "inference", folder / f"{network}.onnx", precision, folder / f"{network}.pictures",
                                   str(WARM_UP + RUNS)], stdout=subprocess.PIPE, check=True, text=True)
            found = json.loads(made.stdout)
            report(network, f"ours {precision}", found["ms"][WARM_UP:], found["answers"][0], kernel=found["kernel"])

    def measure(network, engine, infer, picture):
        answer, times = infer(picture), []
        for _ in range(WARM_UP + RUNS):
            began = time.thread_time()
            infer(picture)
            times.append((time.thread_time() - began) * 1e3)
        report(network, engine, times[WARM_UP:], answer)

    import onnxruntime
    for network in networks:
        for kind in ["u8", "f32"]:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            session = onnxruntime.InferenceSession(str(folder / f"{network}.{kind}.onnx"), options, providers=["CPUExecutionProvider"])
            measure(network, f"ONNX Runtime {kind}", lambda picture: session.run(None, {"real": picture})[0][0], np.load(folder / f"{network}.npy"))
    from ai_edge_litert.interpreter import Interpreter
    for network in networks:
        for kind in ["int8", "f32"]:
            interpreter = Interpreter(model_path=str(folder / f"{network}.{kind}.tflite"), num_threads=1)
            interpreter.allocate_tensors()
            into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

            def infer(picture):
                interpreter.set_tensor(into, picture)
                interpreter.invoke()
                return interpreter.get_tensor(out)[0]

            measure(network, f"LiteRT {kind}", infer, np.ascontiguousarray(np.load(folder / f"{network}.npy").transpose(0, 2, 3, 1)))


if __name__ == "__main__":
    guest() if GUEST else main()
