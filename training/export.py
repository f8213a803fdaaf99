"""The trained network -> ONNX files, fp32 and int8."""

import tempfile
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

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
    """Write the network as fp32 to `full` and as int8 to `small`, each whole or not at all.

    Weights are int8 for each output channel, activations are quantised as they come.
    """
    tokens = torch.export.Dim("tokens", min=4, max=512)
    with tempfile.TemporaryDirectory(dir=small.parent) as folder:
        exact, quantised = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        torch.onnx.export(
            _One(model).eval(),
            (torch.ones(1, 16, dtype=torch.int64), torch.zeros(1, 16, dtype=torch.int64)),
            str(exact),
            input_names=["input_ids", "token_type_ids"],
            output_names=["spans", "verdict"],
            dynamic_shapes={name: {1: tokens} for name in ("input_ids", "token_type_ids")},
            external_data=False,
            verbose=False,
        )
        quantize_dynamic(exact, quantised, weight_type=QuantType.QInt8, per_channel=True)
        exact.replace(full)
        quantised.replace(small)
