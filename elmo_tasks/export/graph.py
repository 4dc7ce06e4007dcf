"""Write an ONNX graph node by node, with weights in as few bits as possible and products in 32 or 8 bits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

Array = NDArray[Any]

_OPSET, _IR, _MICROSOFT = 18, 9, "com.microsoft"
_TYPES = {"float": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32, "bool": TensorProto.BOOL}
_BLOCK = 64
"""Number of consecutive weights in a row that share a scale."""


class Graph:
    """A graph under construction. Values are represented by their names in ONNX.

    int8: whether weights are stored and multiplied in 8 bits. Each row of an input has its own scales, so that the
    numbers of a sentence do not depend on others in its batch, unlike with `DynamicQuantizeLinear`.
    """

    def __init__(self, *, int8: bool, names: Iterator[int] | None = None) -> None:
        self.int8 = int8
        self._names = names or count()
        self._nodes: list[onnx.NodeProto] = []
        self._stored: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, kind: str, shape: list[int | str]) -> str:
        """Declare an input. kind: `float`, `int64`, `int32` or `bool`; shape: letters are free dimensions."""
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[kind], shape))
        return name

    def output(self, value: str, shape: list[int | str]) -> None:
        """Declare an output of floats."""
        self._outputs.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, shape))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output, and return the output."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        found = [f"{kind.lower()}_{next(self._names)}" for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), found, **attributes))
        return found

    def constant(self, values: Any, kind: str = "int64") -> str:
        """A small constant. kind: the name of its numpy type."""
        return self._store(np.asarray(values, kind))

    def weight(self, tensor: Tensor) -> str:
        """A parameter as 32-bit floats, stored in 8 bits with a scale per row, or in 16 if that is lossless."""
        values = array(tensor)
        if self.int8 and values.ndim > 1:
            scale = np.abs(values).max(axis=-1, keepdims=True) / 127
            scale[scale == 0] = 1
            rounded = self._store(np.round(values / scale).astype(np.int8))
            # Not DequantizeLinear, which onnxruntime computes at every run; this is computed once, when it is opened.
            return self.op("Mul", self.op("Cast", rounded, to=TensorProto.FLOAT), self._store(scale))
        half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            return self.op("Cast", self._store(half), to=TensorProto.FLOAT)
        return self._store(values)

    def linear(self, x: str, weight: Tensor, bias: Tensor | None = None) -> str:
        """x: (..., K), weight: (M, K), bias: (M,) -> (..., M)."""
        if self.int8:
            product = self._product_of_bytes(x, array(weight))
        else:
            product = self.op("MatMul", x, self.weight(weight.t()))
        return product if bias is None else self.op("Add", product, self.weight(bias))

    def _product_of_bytes(self, x: str, weight: Array) -> str:
        rows, columns = weight.shape
        blocks = -(-columns // _BLOCK)
        padded = np.pad(weight, ((0, 0), (0, blocks * _BLOCK - columns))).reshape(rows, blocks, _BLOCK)
        scales = np.abs(padded).max(axis=2) / 127  # (M, blocks)
        scales[scales == 0] = 1
        rounded = (np.round(padded / scales[..., None]) + 128).astype(np.uint8)  # 128 is zero
        stored = self._store(rounded), self._store(scales.astype(np.float32).ravel())
        return self.op(
            "MatMulNBits", x, *stored, domain=_MICROSOFT, K=columns, N=rows, bits=8, block_size=_BLOCK, accuracy_level=4
        )  # fmt: skip

    def reshape(self, x: str, shape: list[int]) -> str:
        """Reshape x; 0 keeps a dimension, -1 is inferred."""
        return self.op("Reshape", x, self.constant(shape))

    def clip(self, x: str, bound: float | None) -> str:
        """Clip x to -bound and bound; None leaves it unchanged."""
        if bound is None:
            return x
        return self.op("Clip", x, self.constant(-bound, "float32"), self.constant(bound, "float32"))

    def body(self) -> Graph:
        """A graph for the body of a loop in this one."""
        return Graph(int8=self.int8, names=self._names)

    def scan(self, body: Graph, states: list[str], sequences: list[str]) -> str:
        """Run `body` at every step, and return the results: its last output, (T, ...).

        The inputs of the body are the states and a step of each sequence; its outputs are the new states and a result.
        """
        proto, given = body._proto("body"), [*states, *sequences]
        return self.ops("Scan", *given, outputs=len(states) + 1, body=proto, num_scan_inputs=len(sequences))[-1]

    def serialised(self) -> bytes:
        """The bytes of an `.onnx` file. Raises onnx's ValidationError if the graph is invalid."""
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        model = helper.make_model(self._proto("elmo_tasks"), opset_imports=opsets, producer_name="elmo-tasks")
        model.ir_version = _IR
        onnx.checker.check_model(model)
        serialised: bytes = model.SerializeToString(deterministic=True)
        return serialised

    def _proto(self, name: str) -> onnx.GraphProto:
        return helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._stored)

    def _store(self, values: Array) -> str:
        name = f"stored_{next(self._names)}"
        self._stored.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def array(tensor: Tensor) -> Array:
    """The values of a tensor as float32."""
    values: Array = tensor.detach().float().cpu().numpy()
    return values
