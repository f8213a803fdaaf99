"""The trained network -> ONNX files, fp32 and int8; and back out of an int8 file, to go on from it."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import NodeProto, numpy_helper
from torch import Tensor, nn

from index.export import onnx_files
from training.model import ReaderModel


class _One(nn.Module):  # type: ignore[misc]  # torch's types are not read
    """One pair a run: `input_ids` and `token_type_ids` `(1, n)` -> `spans` `(n, 2)` and `verdict` `(3,)`."""

    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        spans, verdict = self.model(input_ids, token_type_ids, torch.ones_like(input_ids))
        return spans[0], verdict[0]


def export(model: ReaderModel, full: Path, small: Path) -> None:
    """Write the network as fp32 to `full` and as int8 to `small`, each whole or not at all."""
    with tempfile.TemporaryDirectory(dir=small.parent) as folder:
        inputs, outputs = ("input_ids", "token_type_ids"), ("spans", "verdict")
        exact, quantised = onnx_files(_One(model), inputs, outputs, Path(folder))
        exact.replace(full)
        quantised.replace(small)


def imported(small: Path) -> ReaderModel:
    """The network that `export` wrote to `small`, as near as int8 keeps it."""
    graph = onnx.load(small).graph
    held = {each.name: numpy_helper.to_array(each).astype(np.float32) for each in graph.initializer}
    users = {name: node for node in graph.node for name in node.input}
    found = {name: value for name, value in held.items() if name.endswith((".bias", "LayerNorm.weight"))}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            quantised = node.input[1]
            scale, zero = (held[quantised.replace("_quantized", part)] for part in ("_scale", "_zero_point"))
            found[_layer(node, users)] = ((held[quantised] - zero) * scale).T
        elif node.op_type == "DequantizeLinear":
            name = node.input[1].removesuffix("_scale")
            found[name] = (held[f"{name}_quantized"] - held[node.input[2]]) * held[node.input[1]]
    model = ReaderModel()
    model.load_state_dict({name.removeprefix("model."): torch.tensor(value) for name, value in found.items()})
    return model


def _layer(node: NodeProto, users: dict[str, NodeProto]) -> str:
    """The weight that a matrix product multiplies by, named after the bias that is added to it."""
    while node.op_type != "Add":
        node = users[node.output[0]]
    bias: str = next(name for name in node.input if name.endswith(".bias"))
    return f"{bias.removesuffix('.bias')}.weight"
