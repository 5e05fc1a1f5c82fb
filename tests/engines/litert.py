"""Converts a network for LiteRT, to int8 or float32, with the schema in its package.

LiteRT has the paddings SAME and VALID only. With a stride of 2, ONNX's padding of one row on each side is not SAME, so an operator
PAD adds the rows first.
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from convert import tensors_of

OPS = {
    name: getattr(schema.BuiltinOperator, name)
    for name in ("CONV_2D", "PAD", "ADD", "MAX_POOL_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX", "QUANTIZE", "DEQUANTIZE")
}
TYPES = {np.dtype("f4"): schema.TensorType.FLOAT32, np.dtype("i1"): schema.TensorType.INT8, np.dtype("i4"): schema.TensorType.INT32}
RELU, NONE = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.NONE


class Writer:
    def __init__(self, integer):
        self.integer = integer
        self.buffers, self.tensors, self.operators, self.codes = [schema.BufferT()], [], [], []
        self.shapes = {}

    def tensor(self, name, shape, dtype, data=None, scale=None, zero=None, axis=0):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name.encode(), list(shape), TYPES[np.dtype(dtype)], 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            made.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            quant_params = schema.QuantizationParametersT()
            quant_params.scale = np.atleast_1d(scale).astype(np.float32)
            quant_params.zeroPoint = np.broadcast_to(np.atleast_1d(zero), quant_params.scale.shape).astype(np.int64)
            quant_params.quantizedDimension = axis
            made.quantization = quant_params
        self.tensors.append(made)
        return len(self.tensors) - 1

    def op(self, kind, inputs, output, options=None):
        code = OPS[kind]
        if code not in self.codes:
            self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self.codes.index(code), list(inputs), [output]
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            made.builtinOptions = options
        self.operators.append(made)

    def bytes(self, first, last):
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, [first], [last]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], self.buffers, []
        for code in self.codes:
            made = schema.OperatorCodeT()
            # The old field holds what fits into it.
            made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 5 if code == OPS["CONV_2D"] else 1
            model.operatorCodes.append(made)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def converted(model, integer):
    """A .tflite file's bytes. The input is float32 `[1, H, W, C]`, the output the probabilities."""
    t, w = tensors_of(model), Writer(integer)
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    first = w.tensor("real", [shape[0], shape[2], shape[3], shape[1]], "f4")
    # Name of a value: its tensor, its axes [H, W, C], and its scale and zero point.
    values = {"real": (first, [shape[2], shape[3], shape[1]], None)}
    kind = "i1" if integer else "f4"

    def value(name, axes, quant_params):
        scale, zero = quant_params if integer and quant_params else (None, None)
        values[name] = (w.tensor(name, [1, *axes], kind, None, scale, zero), axes, quant_params)
        return values[name][0]

    quant_params = lambda node, at: (float(t[node.input[at]]), int(t[node.input[at + 1]]))
    sums = {}
    for node in model.graph.node:
        name, attributes = node.output[0], {a.name: a for a in node.attribute}
        ints = lambda key: list(attributes[key].ints)
        if node.op_type == "QuantizeLinear" and node.input[0] in sums:
            a, b = sums[node.input[0]]
            axes, to = values[a][1], quant_params(node, 1)
            options = schema.AddOptionsT()
            options.fusedActivationFunction = RELU if to[1] == -128 else NONE
            w.op("ADD", [values[a][0], values[b][0]], value(name, axes, to), options)
        elif node.op_type == "QuantizeLinear":
            source = values[node.input[0]]
            if integer:
                w.op("QUANTIZE", [source[0]], value(name, source[1], quant_params(node, 1)), schema.QuantizeOptionsT())
            else:
                values[name] = source
        elif node.op_type == "DequantizeLinear":
            values[name] = values[node.input[0]]
        elif node.op_type == "Add":
            sums[name] = (node.input[0], node.input[1])
        elif node.op_type == "QLinearConv":
            source, axes, _ = values[node.input[0]]
            weight, scale, bias = t[node.input[3]], t[node.input[4]].astype(np.float64), t[node.input[8]]
            (x_scale, x_zero), to = quant_params(node, 1), quant_params(node, 6)
            kernel, stride, pad = ints("kernel_shape")[0], ints("strides")[0], ints("pads")[0]
            out = [(size + 2 * pad - kernel) // stride + 1 for size in axes[:2]] + [weight.shape[0]]
            if pad and stride != 1:
                padded = [axes[0] + 2 * pad, axes[1] + 2 * pad, axes[2]]
                rows = w.tensor(f"{name}.pads", [4, 2], "i4", [[0, 0], [pad, pad], [pad, pad], [0, 0]])
                w.op("PAD", [source, rows], value(f"{name}.padded", padded, (x_scale, x_zero)), schema.PadOptionsT())
                source = values[f"{name}.padded"][0]
            weight = weight.transpose(0, 2, 3, 1)
            if integer:
                kernel_tensor = w.tensor(f"{name}.weight", weight.shape, "i1", weight, scale, 0)
                bias_tensor = w.tensor(f"{name}.bias", bias.shape, "i4", bias, scale * x_scale, 0)
            else:
                kernel_tensor = w.tensor(f"{name}.weight", weight.shape, "f4", weight * scale[:, None, None, None])
                bias_tensor = w.tensor(f"{name}.bias", bias.shape, "f4", bias * scale * x_scale)
            options = schema.Conv2DOptionsT()
            options.padding = schema.Padding.SAME if pad and stride == 1 else schema.Padding.VALID
            options.strideH = options.strideW = stride
            options.fusedActivationFunction = RELU if to[1] == -128 else NONE
            w.op("CONV_2D", [source, kernel_tensor, bias_tensor], value(name, out, to), options)
        elif node.op_type == "MaxPool":
            source, axes, quant_params = values[node.input[0]]
            options = schema.Pool2DOptionsT()
            options.padding = schema.Padding.VALID
            options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
            w.op("MAX_POOL_2D", [source], value(name, [axes[0] // 2, axes[1] // 2, axes[2]], quant_params), options)
        elif node.op_type == "GlobalAveragePool":
            source, axes, _ = values[node.input[0]]
            if integer:
                real = w.tensor(f"{name}.real", [1, *axes], "f4")
                w.op("DEQUANTIZE", [source], real, schema.DequantizeOptionsT())
                source = real
            mean = w.tensor(name, [1, axes[2]], "f4")
            w.op("MEAN", [source, w.tensor(f"{name}.axes", [2], "i4", [1, 2])], mean, schema.ReducerOptionsT())
            values[name] = (mean, [axes[2]], None)
        elif node.op_type == "Flatten":
            values[name] = values[node.input[0]]
        elif node.op_type == "Gemm":
            weight, bias = t[node.input[1]].T, t[node.input[2]]
            made = w.tensor(name, [1, len(bias)], "f4")
            inputs = [values[node.input[0]][0], w.tensor(f"{name}.weight", weight.shape, "f4", weight), w.tensor(f"{name}.bias", bias.shape, "f4", bias)]
            w.op("FULLY_CONNECTED", inputs, made, schema.FullyConnectedOptionsT())
            values[name] = (made, [len(bias)], None)
        elif node.op_type == "Softmax":
            last = w.tensor(name, [1, values[node.input[0]][1][0]], "f4")
            options = schema.SoftmaxOptionsT()
            options.beta = 1.0
            w.op("SOFTMAX", [values[node.input[0]][0]], last, options)
            values[name] = (last, [], None)
        else:
            raise ValueError(f"{node.op_type} is not known here")
    return w.bytes(first, values["probabilities"][0])
