"""Integer networks with random weights, as `host-trainer export` writes them: see models/src/graph/."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Writer:
    """Writes nodes one after the other; scales keep random activations within their 8 bits."""

    def __init__(self, side: int, seed: int = 1):
        self.random = np.random.default_rng(seed)
        self.side, self.nodes, self.tensors, self.real = side, [], {}, {}

    def tensor(self, name, value):
        self.tensors[name] = value
        return name

    def node(self, op, name, inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def quant_params(self, name, scale, zero):
        return [self.tensor(f"{name}.scale", np.float32(scale)), self.tensor(f"{name}.zero_point", np.int8(zero))]

    def start(self):
        scale = self.quant_params("pixels", 1 / 128, 0)
        return (self.node("QuantizeLinear", "pixels", ["real", *scale]), scale, 1, 0.5)

    def conv(self, name, source, out, kernel=3, stride=1, relu=True):
        value, scale, channels, spread = source
        volume = channels * kernel * kernel
        weights = self.random.integers(-127, 128, (out, channels, kernel, kernel)).astype(np.int8)
        # He's initialisation: the variance of real weights is 2 / volume.
        weight_scale = np.full(out, np.sqrt(2 / volume) / 73, np.float32)
        wide = spread * np.sqrt(2.0)
        output = self.quant_params(name, wide * 4 / 255 if relu else wide * 6 / 255, -128 if relu else 0)
        bias = self.random.integers(-300, 300, out).astype(np.int32)
        self.node(
            "QLinearConv", name,
            [value, *scale, self.tensor(f"{name}.weight", weights), self.tensor(f"{name}.weight_scale", weight_scale),
             self.tensor(f"{name}.weight_zero_point", np.int8(0)), *output, self.tensor(f"{name}.bias", bias)],
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[kernel // 2] * 4)
        return (name, output, out, wide / np.sqrt(2.0) if relu else wide)

    def pool(self, name, source):
        self.node("MaxPool", name, [source[0]], kernel_shape=[2, 2], strides=[2, 2])
        return (name, *source[1:])

    def add(self, name, a, b):
        real = [self.node("DequantizeLinear", f"{part[0]}.real.{name}", [part[0], *part[1]]) for part in (a, b)]
        self.node("Add", f"{name}.sum", real)
        wide = np.sqrt(a[3] ** 2 + b[3] ** 2)
        scale = self.quant_params(name, wide * 4 / 255, -128)
        return (self.node("QuantizeLinear", name, [f"{name}.sum", *scale]), scale, a[2], wide / np.sqrt(2.0))

    def finish(self, name, last, labels=3):
        features = self.node("DequantizeLinear", "features", [last[0], *last[1]])
        self.node("GlobalAveragePool", "average.pooled", [features])
        self.node("Flatten", "average", ["average.pooled"], axis=1)
        weight = self.random.normal(0, 0.3, (last[2], labels)).astype(np.float32)
        self.node("Gemm", "logits", ["average", self.tensor("logits.weight", weight),
                                     self.tensor("logits.bias", np.zeros(labels, np.float32))])
        self.node("Softmax", "probabilities", ["logits"], axis=1)
        card = {
            "contract_version": "1", "name": name, "task": "emotion", "labels": "angry,happy,sad",
            "input_width": self.side, "input_height": self.side, "input_channels": 1, "input_colour": "grey",
            "pixel_offset": 128, "pixel_scale": 0.0078125, "crop_margin": 0, "temperature": 1, "thresholds": "0.5,0.5,0.5",
            "precision": "int8", "training_data": "none: random weights", "data_fingerprint": "0",
        }
        return finished(name, self.nodes, self.tensors, self.side, card)


def finished(name, nodes, tensors, side, card, labels=3):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("real", TensorProto.FLOAT, [1, 1, side, side])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, labels])],
        [numpy_helper.from_array(value, key) for key, value in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {f"moodlight.{key}": str(value) for key, value in card.items()})
    onnx.checker.check_model(model, full_check=True)
    return model


def plain():
    """Six 3x3 convolutions in a row, four of which halve the map, on 96x96 grey."""
    w = Writer(96)
    last = w.start()
    for index, (width, stride) in enumerate(zip((16, 32, 64, 64, 128, 128), (2, 2, 2, 1, 2, 1))):
        last = w.conv(f"conv{index + 1}", last, width, 3, stride)
    return w.finish("plain", last)


def residual(side=96, widths=(16, 32, 64, 128), name="residual"):
    """A small ResNet: stem with step 2 and max-pooling, then four blocks."""
    w = Writer(side)
    last = w.pool("stem.pool", w.conv("stem.conv", w.start(), widths[0], 3, 2))
    for index, width in enumerate(widths):
        stride = 1 if index == 0 else 2
        path = w.conv(f"block{index + 1}.conv1", last, width, 3, stride)
        path = w.conv(f"block{index + 1}.conv2", path, width, 3, 1, relu=False)
        if stride != 1 or last[2] != width:
            last = w.conv(f"block{index + 1}.shortcut", last, width, 1, stride, relu=False)
        last = w.add(f"block{index + 1}.add", path, last)
    return w.finish(name, last)


def compact():
    """What the shipped net looks like, with random weights."""
    return residual(64, (24, 48, 96, 192), "compact")


NETS = {"plain": plain, "residual": residual, "compact": compact}
