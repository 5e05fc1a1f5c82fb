#!/usr/bin/env python3
"""Compares our engine with ONNX Runtime and LiteRT: processor time of one inference, one thread, the same networks.

    pip install numpy onnx onnxruntime ai-edge-litert
    cargo build --release -p emotion-models --example inference
    tests/engines/compare.py target/release/examples/inference [MODEL.onnx ...]

MODELs are int8 models that `host-trainer export` wrote. Three networks with random weights (nets.py) are measured as well. The
engines take turns, so that other load on the machine slows all of them alike. Each figure is the median of all runs. Our engine
runs in a new process in each turn. Prints Markdown.

`--without avx512f,avx512vnni,avxvnni` measures our kernels, and tract's, as on a processor without these instruction sets (tract's
names). The other engines cannot be told to do without, and are left out.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

import ai_edge_litert
import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from importlib.metadata import version
from litert import converted
from nets import NETS
from convert import as_float, as_u8

PICTURES = 20
WARM_UP = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="the example `inference` of emotion-models")
    parser.add_argument("models", type=pathlib.Path, nargs="*", help="quantised models")
    parser.add_argument("--turns", type=int, default=10, help="turns (default 10)")
    parser.add_argument("--runs", type=int, default=40, help="runs of each engine in a turn (default 40)")
    parser.add_argument("--without", default="", metavar="SETS", help="instruction sets that our kernels are not to use, by commas")
    arguments = parser.parse_args()
    networks = {path.stem: onnx.load(path) for path in arguments.models}
    networks.update({name: make() for name, make in NETS.items()})
    print(f"{platform.processor() or platform.machine()}, {processor()}; ONNX Runtime {onnxruntime.__version__}, "
          f"LiteRT {version('ai-edge-litert')}; {arguments.turns} turns of {arguments.runs} runs each, one thread\n")
    names = ["ours int8", "ours f32", "tract f32"]
    compared = ["ours: int8 / f32"]
    if arguments.without:
        os.environ["TRACT_CPU_ISA"] = ",".join(f"-{name}" for name in arguments.without.split(","))
        print(f"Without {arguments.without}.\n")
    else:
        names += ["ONNX Runtime u8", "ONNX Runtime f32", "LiteRT int8", "LiteRT f32"]
        compared = ["int8: ours / best other", "f32: ours / ONNX Runtime", *compared]
    print(f"| CPU ms | {' | '.join(names + compared)} |")
    print("|---|" + "---:|" * (len(names) + len(compared)))
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        for name, model in networks.items():
            engines = engines_for(names, model, pathlib.Path(folder), arguments)
            times, answers = measure(engines, arguments)
            ms = {engine: statistics.median(times[engine]) for engine in names}
            ratios = [ms["ours int8"] / ms["ours f32"]]
            if not arguments.without:
                best = min(ms["ONNX Runtime u8"], ms["LiteRT int8"])
                ratios = [ms["ours int8"] / best, ms["ours f32"] / ms["ONNX Runtime f32"], *ratios]
            print(f"| {name} | " + " | ".join(f"{ms[engine]:.3f}" for engine in names)
                  + "".join(f" | **{ratio:.2f}**" for ratio in ratios) + " |", flush=True)
            difference = {engine: float(np.abs(answers[engine] - answers[ours_like(engine)]).max()) for engine in names}
            notes.append(f"{name}: largest difference of a probability from ours at the same precision: "
                         + ", ".join(f"{engine} {difference[engine]:.1e}" for engine in names if not engine.startswith("ours")))
    print("\n" + "\n".join(f"- {note}" for note in notes))
    print(f"- our kernels: {', '.join(sorted(KERNELS))}")


KERNELS = set()


def ours_like(engine):
    """Our engine at the precision of another one."""
    return "ours int8" if engine.endswith(("int8", "u8")) else "ours f32"


def processor():
    """Name and instruction sets as Linux tells them."""
    try:
        info = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    field = lambda key: next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith(key)), "")
    flags = set(field("flags").split()) | set(field("Features").split())
    known = ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm"]
    return f"{field('model name')}: {' '.join(flag for flag in known if flag in flags) or 'no vector instructions known here'}"


class Ours:
    def __init__(self, program, model, precision, pictures):
        self.command = [program, model, precision, pictures]

    def turn(self, runs):
        made = subprocess.run([*self.command, str(WARM_UP + runs)], stdout=subprocess.PIPE, check=True, text=True)
        found = json.loads(made.stdout)
        KERNELS.add(found["kernel"])
        self.answers = np.array(found["answers"])
        return found["ms"][WARM_UP:]


class InProcess:
    """An engine in this process: `infer` gives the probabilities of one input."""

    def turn(self, runs):
        self.answers = np.array([self.infer(picture) for picture in self.inputs])
        for _ in range(WARM_UP):
            self.infer(self.inputs[0])
        times = []
        for _ in range(runs):
            began = time.thread_time()
            self.infer(self.inputs[0])
            times.append((time.thread_time() - began) * 1e3)
        return times


class OnnxRuntime(InProcess):
    def __init__(self, model, reals):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.inputs = list(reals)

    def infer(self, picture):
        return self.session.run(None, {"real": picture})[0][0]


class LiteRt(InProcess):
    def __init__(self, content, reals):
        self.interpreter = Interpreter(model_content=content, num_threads=1)
        self.interpreter.allocate_tensors()
        self.into = self.interpreter.get_input_details()[0]["index"]
        self.out = self.interpreter.get_output_details()[0]["index"]
        self.inputs = [np.ascontiguousarray(picture.transpose(0, 2, 3, 1)) for picture in reals]

    def infer(self, picture):
        self.interpreter.set_tensor(self.into, picture)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.out)[0]


def engines_for(names, model, folder, arguments):
    card = {prop.key.removeprefix("moodlight."): prop.value for prop in model.metadata_props}
    shape = [1, int(card["input_channels"]), int(card["input_height"]), int(card["input_width"])]
    bytes_ = np.random.default_rng(7).integers(0, 256, [PICTURES, *shape], np.uint8)
    reals = ((bytes_.astype(np.float32) - np.float32(card["pixel_offset"])) * np.float32(card["pixel_scale"]))
    path, pictures = folder / "model.onnx", folder / "pictures"
    path.write_bytes(model.SerializeToString())
    pictures.write_bytes(bytes_.tobytes())
    ours = lambda precision: Ours(arguments.program.resolve(), path, precision, pictures)
    makers = {
        "ours int8": lambda: ours("int8"), "ours f32": lambda: ours("f32"), "tract f32": lambda: ours("reference"),
        "ONNX Runtime u8": lambda: OnnxRuntime(as_u8(model), reals), "ONNX Runtime f32": lambda: OnnxRuntime(as_float(model), reals),
        "LiteRT int8": lambda: LiteRt(converted(model, True), reals), "LiteRT f32": lambda: LiteRt(converted(model, False), reals),
    }
    return {name: makers[name]() for name in names}


def measure(engines, arguments):
    times = {name: [] for name in engines}
    for _ in range(arguments.turns):
        for name, engine in engines.items():
            times[name] += engine.turn(arguments.runs)
    return times, {name: engine.answers for name, engine in engines.items()}


if __name__ == "__main__":
    main()
