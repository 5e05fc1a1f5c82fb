#!/usr/bin/env python3
"""Writes the two small models from which fuzzing starts: fuzz/seeds/float.onnx and fuzz/seeds/integer.onnx.

    pip install onnx numpy && python3 fuzz/seeds.py
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, CHANNELS = 8, 4
random = np.random.default_rng(1)
CARD = {
    "contract_version": "1", "name": "seed", "task": "emotion", "labels": "angry,happy,sad",
    "input_width": str(SIDE), "input_height": str(SIDE), "input_channels": "1", "input_colour": "grey",
    "pixel_offset": "128", "pixel_scale": "0.0078125", "crop_margin": "0", "temperature": "1",
    "thresholds": "0.5,0.5,0.5", "training_data": "none", "data_fingerprint": "00",
}


def model(name, precision, nodes, tensors):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("real", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(value, key) for key, value in tensors.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(made, {f"moodlight.{key}": value for key, value in {**CARD, "precision": precision}.items()})
    onnx.checker.check_model(made, full_check=True)
    path = pathlib.Path(__file__).parent / "seeds" / f"{name}.onnx"
    path.write_bytes(made.SerializeToString())
    print(path, path.stat().st_size, "bytes")


def node(op, name, inputs, **attributes):
    return helper.make_node(op, inputs, [name], name, **attributes)


def head(features):
    return [
        node("GlobalAveragePool", "pooled", [features]), node("Flatten", "flat", ["pooled"]),
        node("Gemm", "logits", ["flat", "dense.weight", "dense.bias"]),
        node("Softmax", "probabilities", ["logits"], axis=1),
    ]


DENSE = {
    "dense.weight": random.normal(size=(CHANNELS, 3)).astype(np.float32),
    "dense.bias": random.normal(size=3).astype(np.float32),
}
SAME = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}

real = lambda *shape: random.normal(size=shape).astype(np.float32)
model(
    "float", "f32",
    [
        node("Conv", "a", ["real", "a.weight", "a.bias"], **SAME), node("Relu", "a.relu", ["a"]),
        node("MaxPool", "pool", ["a.relu"], **HALF), node("Conv", "b", ["pool", "b.weight", "b.bias"], **SAME),
        node("Add", "sum", ["b", "pool"]), node("Relu", "sum.relu", ["sum"]), *head("sum.relu"),
    ],
    {"a.weight": real(CHANNELS, 1, 3, 3), "a.bias": real(CHANNELS), "b.weight": real(CHANNELS, CHANNELS, 3, 3),
     "b.bias": real(CHANNELS), **DENSE},
)

byte = lambda *shape: random.integers(-127, 128, shape).astype(np.int8)
tensors = {"zero": np.int8(0), "low": np.int8(-128), "pixel": np.float32(1 / 128), "one": np.float32(0.05), **DENSE}
for name, inputs in [("a", 1), ("b", CHANNELS)]:
    tensors[f"{name}.weight"] = byte(CHANNELS, inputs, 3, 3)
    tensors[f"{name}.scale"] = np.full(CHANNELS, 0.01, np.float32)
    tensors[f"{name}.bias"] = random.integers(-99, 99, CHANNELS).astype(np.int32)
conv = lambda name, source, scale, zero, out: node(
    "QLinearConv", name,
    [source, scale, zero, f"{name}.weight", f"{name}.scale", "zero", "one", out, f"{name}.bias"], **SAME)
model(
    "integer", "int8",
    [
        node("QuantizeLinear", "pixels", ["real", "pixel", "zero"]), conv("a", "pixels", "pixel", "zero", "low"),
        node("MaxPool", "pool", ["a"], **HALF), conv("b", "pool", "one", "low", "zero"),
        node("DequantizeLinear", "b.real", ["b", "one", "zero"]),
        node("DequantizeLinear", "pool.real", ["pool", "one", "low"]), node("Add", "sum", ["b.real", "pool.real"]),
        node("QuantizeLinear", "c", ["sum", "one", "low"]), node("DequantizeLinear", "features", ["c", "one", "low"]),
        *head("features"),
    ],
    tensors,
)
