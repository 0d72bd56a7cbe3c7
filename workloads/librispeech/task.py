# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the speech workloads share: front end, augmentation, loss, metrics."""

import dataclasses
import functools
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import workload as workload_lib
from workloads import param_kinds
from workloads.librispeech import (
  ctc,
  features,
  spec_augment,
  tokenizer,
  word_errors,
)
from workloads.librispeech import data as data_lib

DEFAULT_DROPOUT = 0.1
METRIC_NAMES = ('ctc_loss', 'wer', 'true_wer')


@dataclasses.dataclass(frozen=True)
class Setup:
  """Everything of a speech workload but its model and its batches.

  Attributes:
    dataset: for tables.
    num_examples: utterances for training, for evaluation of it, for validation
      and for test.
    masks: of the augmentation in training.
    batch_size: training utterances in a step.
    eval_batch_size: evaluation utterances in a batch.
  """

  dataset: str
  num_examples: tuple[int, int, int, int]
  masks: spec_augment.Masks
  batch_size: int
  eval_batch_size: int


FULL = Setup(
  dataset='LibriSpeech',
  num_examples=(263_840, 5_376, 5_348, 2_472),
  masks=spec_augment.Masks(time=10, frequency=2),
  batch_size=256,
  eval_batch_size=256,
)
MINI = Setup(
  dataset='spoken commands (synthesised)',
  num_examples=(4_000, *data_lib.MINI_EVALUATED.values()),
  masks=spec_augment.Masks(time=2, frequency=1),
  batch_size=8,
  eval_batch_size=80,
)


def workload(
  name: str,
  model: nn.Module,
  setup: Setup,
  data: str | None,
  *,
  model_name: str,
  source: str,
) -> workload_lib.Workload:
  """A workload from its model.

  Args:
    name: of the workload.
    model: maps features and paddings to logits and paddings.
    setup: `FULL`, `MINI` or a change of them.
    data: `'fake'` for random audio, None for the real one.
    model_name: for tables.
    source: of the model.
  """
  corpus = data_lib.corpus(name, data)
  apply = functools.partial(_apply, model, setup.masks)
  return workload_lib.Workload(
    name=name,
    description=_description(setup, model_name, source),
    init=functools.partial(_init, model),
    apply=apply,
    loss=ctc.loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=functools.partial(finish, corpus.detokenize),
    data=corpus.data,
    param_kinds=param_kinds.by_path,
    loss_kind=workload_lib.LossKind.CTC_LOSS,
    default_batch_size=setup.batch_size,
    eval_batch_size=setup.eval_batch_size,
    metric_names=METRIC_NAMES,
  )


def finish(
  detokenize: tokenizer.Detokenizer, sums: Mapping, rows: Mapping
) -> dict[str, float]:
  """Loss per label, and word error rates over all utterances together.

  Args:
    detokenize: label ids to text.
    sums: `ctc_loss` and `num_labels`.
    rows: `recognised` and `spoken`, label ids (utterances, any length) with
      zeros that stand for nothing.

  Returns:
    `ctc_loss`, `wer` as the benchmark counts it (see
    `word_errors.printed_words`) and `true_wer`.
  """
  pairs = [
    (detokenize(recognised[recognised > 0]), detokenize(spoken[spoken > 0]))
    for recognised, spoken in zip(rows['recognised'], rows['spoken'])
  ]

  def rate(words_of):
    return word_errors.count(
      (words_of(recognised), words_of(spoken)) for recognised, spoken in pairs
    ).rate

  return {
    'ctc_loss': float(sums['ctc_loss']) / max(float(sums['num_labels']), 1.0),
    'wer': rate(word_errors.printed_words),
    'true_wer': rate(str.split),
  }


def _description(setup, model_name, source):
  num_train, num_eval_train, num_validation, num_test = setup.num_examples
  return workload_lib.Description(
    task='speech recognition',
    dataset=setup.dataset,
    model=model_name,
    loss='CTC',
    num_train=num_train,
    num_eval_train=num_eval_train,
    num_validation=num_validation,
    num_test=num_test,
    default_dropout=DEFAULT_DROPOUT,
    source=source,
  )


def _init(model, key):
  """Parameters and running statistics; the dummy input's length is free."""
  params_key, _ = jax.random.split(key)
  num_frames = 16
  variables = model.init(
    params_key,
    jnp.zeros((2, num_frames, features.NUM_BANDS)),
    jnp.zeros((2, num_frames)),
    train=False,
    use_running_average=True,
    dropout_rate=0.0,
  )
  return variables.pop('params'), variables


def _apply(
  model,
  masks,
  params,
  model_state,
  batch,
  key,
  *,
  train,
  update_stats=True,
  use_running_average=None,
  dropout_rate=None,
):
  """Logits and their paddings, and the new running statistics."""
  if use_running_average is None:
    use_running_average = not train
  x, paddings = features.log_mel(*batch['inputs'])
  keys = {}
  if train:
    augment_key, keys['dropout'] = jax.random.split(key)
    if any(masks):
      draws = spec_augment.draw(augment_key, x.shape[0], masks)
      x = x * spec_augment.kept(paddings, x.shape[-1], draws)
  outputs, new_state = model.apply(
    {'params': params, **model_state},
    x,
    paddings,
    train=train,
    use_running_average=use_running_average,
    dropout_rate=DEFAULT_DROPOUT if dropout_rate is None else dropout_rate,
    rngs=keys,
    mutable=['batch_stats'],
  )
  return outputs, new_state if train and update_stats else model_state


def _evaluate(apply, params, model_state, batch, key):
  """Loss and label sums; what was recognised beside what was said."""
  outputs, _ = apply(params, model_state, batch, key, train=False)
  sums = {
    'ctc_loss': ctc.loss(outputs, batch).summed,
    'num_labels': ctc.num_labels(batch),
  }
  labels, label_paddings = batch['targets']
  rows = {
    'recognised': ctc.greedy_decode(*outputs),
    'spoken': (labels * (1.0 - label_paddings)).astype(jnp.int32),
    'valid': batch['weights'] > 0,
  }
  return sums, rows
