# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Translation from German to English: Transformer, variants and a mini task."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads import cross_entropy, param_kinds
from workloads.wmt import beam_search, blocks, packing, text
from workloads.wmt import data as wmt_data
from workloads.wmt import model as model_lib

DEFAULT_DROPOUT = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one translation workload is made of.

  Attributes:
    description: for tables and records.
    model: the Transformer.
    num_beams: hypotheses that the search keeps for each sentence.
    batch_size: training rows in a step.
    eval_batch_size: evaluation sentences in a batch.
    data: makes the real batches, of the number of ids, the length of rows, and
      the folder of all prepared data.
  """

  description: workload.Description
  model: model_lib.Transformer
  num_beams: int
  batch_size: int
  eval_batch_size: int
  data: Callable[[int, int, pathlib.Path | None], wmt_data.Source]


FULL = Settings(
  description=workload.Description(
    task='translation from German to English',
    dataset='WMT 2017 (training), WMT 2014 (evaluation)',
    model='Transformer, 6 + 6 layers of 1024',
    loss='softmax cross entropy',
    num_train=5_906_184,
    num_eval_train=wmt_data.EVALUATED['train'],
    num_validation=3_000,
    num_test=3_003,
    default_dropout=DEFAULT_DROPOUT,
    uses_label_smoothing=True,
    source='Vaswani et al. 2017, arXiv:1706.03762',
  ),
  model=model_lib.Transformer(blocks.Config()),
  num_beams=4,
  batch_size=128,
  eval_batch_size=128,
  data=wmt_data.prepared,
)
POST_LN = dataclasses.replace(
  FULL, model=model_lib.Transformer(blocks.Config(post_ln=True))
)
ATTENTION_TEMP = dataclasses.replace(
  FULL, model=model_lib.Transformer(blocks.Config(attention_temperature=4.0))
)
GLU_TANH = dataclasses.replace(
  FULL, model=model_lib.Transformer(blocks.Config(gated=True))
)
MINI = dataclasses.replace(
  FULL,
  description=dataclasses.replace(
    FULL.description,
    dataset='LibreOffice help pages',
    model='Transformer, 2 + 2 layers of 128',
    num_train=20_976,
    num_eval_train=wmt_data.MINI_EVAL_EXAMPLES['train'],
    num_validation=wmt_data.MINI_EVAL_EXAMPLES['validation'],
    num_test=wmt_data.MINI_EVAL_EXAMPLES['test'],
  ),
  model=model_lib.Transformer(
    blocks.Config(
      vocab_size=4000,
      width=128,
      mlp_width=256,
      num_heads=4,
      depth=2,
      max_length=48,
    )
  ),
  num_beams=2,
  batch_size=16,
  data=wmt_data.mini,
)


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: `FULL`, `MINI` or a variant.
    data: `'fake'` for random sentences; the folder of all prepared data, or
      None for the usual one, for the real ones.
  """
  config = settings.model.config
  if data == 'fake':
    source = wmt_data.fake(config.vocab_size, config.max_length)
  else:
    source = settings.data(config.vocab_size, config.max_length, data)
  model = settings.model
  return workload.Workload(
    name=name,
    description=settings.description,
    init=functools.partial(_init, model),
    apply=functools.partial(_apply, model),
    loss=loss,
    evaluate=functools.partial(_evaluate, model, settings.num_beams),
    finish=functools.partial(_finish, source.detokenize),
    data=source.data,
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.SOFTMAX_CROSS_ENTROPY,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
    metric_names=('loss', 'accuracy', 'bleu'),
  )


def loss(logits, batch, *, label_smoothing=0.0) -> workload.Loss:
  """Cross entropy of each target token, see `cross_entropy.of_tokens`.

  Args:
    logits: (B, T, V).
    batch: `targets` (B, T). `weights` (B, T), optional: where it is 0 the token
      does not count.
    label_smoothing: of the targets.

  Returns:
    `per_example` is (B, T), one loss a token; `n_valid` the sum of the weights.
  """
  targets = batch['targets']
  weights = batch.get('weights')
  if weights is None:
    weights = jnp.ones(targets.shape)
  per_token = cross_entropy.of_tokens(logits, targets, label_smoothing)
  per_token = jnp.where(weights > 0, per_token, 0.0)
  return workload.Loss(per_token.sum(), weights.sum(), per_token)


def token_sums(logits, batch) -> dict[str, jax.Array]:
  """What mean loss and accuracy are made of: sums over the target tokens."""
  summed, tokens, _ = loss(logits, batch)
  is_correct = logits.argmax(axis=-1) == batch['targets']
  correct = jnp.sum(is_correct * batch['weights'])
  return {'loss': summed, 'correct': correct, 'tokens': tokens}


def translate(model: model_lib.Transformer, params, inputs, num_beams: int):
  """The best translation of each sentence, by beam search.

  Args:
    model: of `params`.
    params: its parameters.
    inputs: source ids (B, S).
    num_beams: hypotheses kept for each sentence.

  Returns:
    Beams of sequences of length `max_length`; the best is the last.
  """
  variables = {'params': params}
  cache, memories = model.apply(
    variables, inputs, num_beams, method='start_decoding'
  )

  def step(tokens, cache, index):
    return model.apply(
      variables, tokens, cache, memories, inputs, index, method='decode'
    )

  shape = (len(inputs), num_beams, model.config.max_length)
  return beam_search.beam_search(
    step, cache, shape=shape, end_id=packing.END_ID
  )


def _init(model, key):
  """Parameters, and an empty model state."""
  params_key, _ = jax.random.split(key)
  tokens = jnp.ones((1, 1), jnp.int32)
  return model.init(params_key, tokens, tokens)['params'], {}


def _apply(
  model,
  params,
  model_state,
  batch,
  key,
  *,
  train,
  update_stats=True,
  dropout_rate=None,
):
  """Logits (B, T, V), and the model state as it was."""
  rate = DEFAULT_DROPOUT if dropout_rate is None else dropout_rate
  logits = model.apply(
    {'params': params},
    **{name: batch[name] for name in packing.PACKED_NAMES if name in batch},
    dropout_rate=rate if train else 0.0,
    rngs={'dropout': key} if train else None,
  )
  return logits, model_state


def _evaluate(model, num_beams, params, model_state, batch, key):
  """Sums over tokens; translation and reference of each sentence."""
  logits, _ = _apply(model, params, model_state, batch, key, train=False)
  beams = translate(model, params, batch['inputs'], num_beams)
  rows = {
    'translation': beams.sequences[:, -1, 1:],
    'reference': batch['targets'],
    'valid': batch['weights'][:, 0] > 0,
  }
  return token_sums(logits, batch), rows


def _finish(
  detokenize: Callable[[Sequence[int]], str], sums, rows
) -> dict[str, float]:
  """Mean loss and accuracy of the tokens, BLEU; 0 if there are no sentences."""
  tokens = max(float(sums['tokens']), 1.0)
  translations, references = (
    [detokenize(text.sentence(ids).tolist()) for ids in rows[key]]
    for key in ('translation', 'reference')
  )
  return {
    'loss': float(sums['loss']) / tokens,
    'accuracy': float(sums['correct']) / tokens,
    'bleu': text.bleu(translations, references),
  }
