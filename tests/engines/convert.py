"""Converts an int8 network for other engines: to float32, and to u8 activations, which ONNX Runtime runs faster than s8 ones."""

import copy

import numpy as np
import onnx
from onnx import helper, numpy_helper


def tensors_of(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def rebuilt(model, nodes, tensors):
    made = copy.deepcopy(model)
    del made.graph.node[:], made.graph.initializer[:], made.graph.value_info[:]
    made.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    made.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in tensors.items() if name in used)
    onnx.checker.check_model(made, full_check=True)
    return made


def as_float(model):
    """Dequantized weights, no activation rounded, and a ReLU where a zero point of -128 clips."""
    tensors, nodes, alias = tensors_of(model), [], {}
    for node in model.graph.node:
        inputs = [alias.get(name, name) for name in node.input]
        output = node.output[0]
        if node.op_type == "DequantizeLinear":
            alias[output] = inputs[0]
        elif node.op_type == "QuantizeLinear":
            if inputs[0] != "real" and tensors[inputs[2]] == -128:
                nodes.append(helper.make_node("Relu", [inputs[0]], [output], output))
            else:
                alias[output] = inputs[0]
        elif node.op_type == "QLinearConv":
            x, x_scale, _, weight, weight_scale, _, _, y_zero, bias = inputs
            scale = np.broadcast_to(tensors[weight_scale], tensors[weight].shape[0]).astype(np.float64)
            tensors[f"{output}.float_weight"] = (tensors[weight] * scale[:, None, None, None]).astype(np.float32)
            tensors[f"{output}.float_bias"] = (tensors[bias] * scale * float(tensors[x_scale])).astype(np.float32)
            relu = tensors[y_zero] == -128
            made = f"{output}.sums" if relu else output
            conv = helper.make_node("Conv", [x, f"{output}.float_weight", f"{output}.float_bias"], [made], made)
            conv.attribute.extend(node.attribute)
            nodes.append(conv)
            if relu:
                nodes.append(helper.make_node("Relu", [made], [output], output))
        else:
            same = copy.deepcopy(node)
            same.input[:] = inputs
            nodes.append(same)
    made = rebuilt(model, nodes, tensors)
    for prop in made.metadata_props:
        if prop.key == "moodlight.precision":
            prop.value = "f32"
    return made


def as_u8(model):
    """Activations and their zero points moved by 128; weights stay s8."""
    tensors = tensors_of(model)
    for node in model.graph.node:
        places = {"QuantizeLinear": [2], "DequantizeLinear": [2], "QLinearConv": [2, 7]}.get(node.op_type, [])
        for name in (node.input[place] for place in places):
            if tensors[name].dtype == np.int8:
                tensors[f"{name}.u8"] = np.uint8(int(tensors[name]) + 128)
    nodes = []
    for node in model.graph.node:
        places = {"QuantizeLinear": [2], "DequantizeLinear": [2], "QLinearConv": [2, 7]}.get(node.op_type, [])
        same = copy.deepcopy(node)
        for place in places:
            same.input[place] = f"{node.input[place]}.u8"
        nodes.append(same)
    return rebuilt(model, nodes, tensors)
