"""The reader's network: MiniLM with two heads on its tokens and three on its first, and what it is taught by.

tokens  [CLS] question or statement [SEP] passage [SEP]
spans   for each token, how well an answer starts and ends there; at [CLS], that there is none (Devlin et al., BERT,
        NAACL 2019)
verdict relevant, answered, supported
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertModel

from index.export import packaged_model
from rag.crossencoder import encode
from training.data import Group, Pair

VERDICTS = ("relevant", "answered", "supported")
_UNKNOWN = -1.0
_MULTIPLE = 8  # of tokens that a batch is padded to: fewer shapes, for which kernels are made anew


class ReaderModel(nn.Module):  # type: ignore[misc]  # torch's types are not read
    """all-MiniLM-L6-v2 and the heads; without dropout, since an epoch shows a pair once."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(
            packaged_model(),
            local_files_only=True,
            add_pooling_layer=False,
            attn_implementation="eager",  # a third faster than SDPA on a CPU in bfloat16
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        width = self.bert.config.hidden_size
        self.spans = nn.Linear(width, 2)
        self.pool = nn.Linear(width, width)
        self.verdict = nn.Linear(width, len(VERDICTS))

    def forward(self, input_ids: Tensor, token_type_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids `(n, t)` -> span logits `(n, t, 2)` and verdict logits `(n, 3)`."""
        states = self.bert(
            input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask
        ).last_hidden_state
        return self.spans(states), self.verdict(torch.tanh(self.pool(states[:, 0])))


def blend(model: ReaderModel, other: ReaderModel, share: float) -> None:
    """Bring a share of another network's weights into a network's (Wortsman et al., Robust fine-tuning, CVPR 2022).

    What was learned last is kept, and what both know is surer, above all on texts of other kinds.
    """
    with torch.no_grad():
        for weight, known in zip(model.parameters(), other.parameters(), strict=True):
            weight.lerp_(known, share)


@dataclass(frozen=True, slots=True)
class Batch:
    """Groups as tensors: token ids, types and mask `(n, t)`; targets of spans `(n, t, 2)` and verdicts `(n, 3)`.

    `group` `(n,)` numbers the group of each pair; a verdict that is not known is -1.
    """

    input_ids: Tensor
    token_type_ids: Tensor
    attention_mask: Tensor
    allowed: Tensor
    spans: Tensor
    verdicts: Tensor
    group: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


def lengths(groups: Sequence[Group]) -> list[int]:
    """About how many tokens the longest pair of each group has."""
    return [max(len(pair.text) + len(pair.passage) for pair in group) // 4 for group in groups]


def batch(groups: Sequence[Group]) -> Batch:
    """Some groups as one padded batch."""
    rows = [_row(pair) for group in groups for pair in group]
    count, longest = len(rows), max(len(ids) for ids, *_ in rows)
    longest += -longest % _MULTIPLE
    ids, types, mask = (torch.zeros(count, longest, dtype=torch.int64) for _ in range(3))
    allowed = torch.zeros(count, longest, dtype=torch.bool)
    spans = torch.zeros(count, longest, 2)
    for row, (tokens, first, answers) in enumerate(rows):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        types[row, first : len(tokens)] = 1
        allowed[row, first : len(tokens) - 1] = True
        allowed[row, 0] = True
        for start, end in answers:
            spans[row, start, 0] = spans[row, end, 1] = 1
    verdicts = torch.tensor([[_target(getattr(pair, name)) for name in VERDICTS] for group in groups for pair in group])
    group = torch.tensor([number for number, group in enumerate(groups) for _ in group])
    return Batch(ids, types, mask, allowed, spans, verdicts, group)


def _row(pair: Pair) -> tuple[list[int], int, list[tuple[int, int]]]:
    """Token ids, the passage's first token, and the first and last token of each occurrence of the answer."""
    encoded = encode(pair.text, pair.passage)
    answers = []
    for start, end in pair.answers:
        inside = [place for place, token in enumerate(encoded.tokens) if token.start < end and start < token.end]
        if inside:
            answers.append((encoded.first + inside[0], encoded.first + inside[-1]))
    return encoded.ids, encoded.first, answers or ([(0, 0)] if pair.answered is False else [])


def loss(spans: Tensor, verdicts: Tensor, batch: Batch) -> Tensor:
    """What is wrong with the logits `(n, t, 2)` and `(n, 3)`: the sum of five means.

    Spans: minus the log of the probability of any occurrence (marginal likelihood, Clark and Gardner, ACL 2018), or of
    none. Verdicts: cross entropy. And of relevance, that the right passages of a group come before the others.
    """
    spans, verdicts = spans.float(), verdicts.float()
    shares = functional.log_softmax(spans.masked_fill(~batch.allowed[..., None], -1e4), dim=1)
    taught = batch.spans.sum((1, 2)) > 0
    likely = torch.logsumexp(shares.masked_fill(batch.spans == 0, -1e4), dim=1)
    total = -likely[taught].mean() if taught.any() else spans.sum() * 0
    known = batch.verdicts != _UNKNOWN
    crossed = functional.binary_cross_entropy_with_logits(verdicts, batch.verdicts.clamp(0), reduction="none")
    total = total + (crossed * known).sum(0).div(known.sum(0).clamp(1)).sum()
    return total + _ranking(verdicts[:, 0], batch)


def _ranking(relevance: Tensor, batch: Batch) -> Tensor:
    """RankNet (Burges et al., ICML 2005) over the pairs of a group, one relevant and one not."""
    relevant = batch.verdicts[:, 0]
    better = (batch.group[:, None] == batch.group) & (relevant[:, None] == 1) & (relevant == 0)
    if not better.any():
        return relevance.sum() * 0
    return functional.softplus(relevance[None] - relevance[:, None])[better].mean()


def _target(known: bool | None) -> float:
    return _UNKNOWN if known is None else float(known)
