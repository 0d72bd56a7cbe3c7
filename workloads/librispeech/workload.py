# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the speech workloads share: front end, augmentation, loss, metrics."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads import param_kinds
from workloads.librispeech import (
  ctc,
  features,
  spec_augment,
  tokenizer,
  word_errors,
)
from workloads.librispeech import data as librispeech_data

DEFAULT_DROPOUT = 0.1
METRIC_NAMES = ('ctc_loss', 'wer', 'true_wer')


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one speech workload is made of.

  Attributes:
    model: maps features and paddings to logits and paddings.
    model_name: for tables.
    source: of the model.
    corpus: what is said.
    masks: of the augmentation in training.
    batch_size: training utterances in a step.
    eval_batch_size: evaluation utterances in a batch.
  """

  model: nn.Module
  model_name: str
  source: str
  corpus: librispeech_data.Corpus
  masks: spec_augment.Masks
  batch_size: int
  eval_batch_size: int


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: from the file of the model.
    data: `'fake'` for random audio; the folder of all prepared data, or None
      for the usual one, for the real one.
  """
  corpus = settings.corpus
  if data == 'fake':
    chosen = librispeech_data.fake(corpus.sizes)
    detokenize = corpus.detokenize_fake
  else:
    chosen, detokenize = corpus.real(data)
  apply = functools.partial(_apply, settings.model, settings.masks)
  return workload.Workload(
    name=name,
    description=_description(settings),
    init=functools.partial(_init, settings.model),
    apply=apply,
    loss=ctc.loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=functools.partial(finish, detokenize),
    data=chosen,
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.CTC_LOSS,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
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


def _description(settings: Settings) -> workload.Description:
  corpus = settings.corpus
  return workload.Description(
    task='speech recognition',
    dataset=corpus.name,
    model=settings.model_name,
    loss='CTC',
    num_train=corpus.num_train,
    num_eval_train=corpus.num_eval_train,
    num_validation=corpus.num_validation,
    num_test=corpus.num_test,
    default_dropout=DEFAULT_DROPOUT,
    source=settings.source,
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
  dropout_rate=None,
):
  """Logits and their paddings, and the new running statistics."""
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
