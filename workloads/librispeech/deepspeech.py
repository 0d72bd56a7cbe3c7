# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech recognition with LSTMs: base workload, variants, mini task."""

import dataclasses

import jax.numpy as jnp

from jaxperf import workload
from workloads.librispeech import data as data_lib
from workloads.librispeech import deepspeech_model, spec_augment, task

_MINI = 'mini_speech_deepspeech'
_NORM_AND_SPEC_AUG = 'librispeech_deepspeech_norm_and_spec_aug'
CONFIGS = {
  'librispeech_deepspeech': deepspeech_model.Config(),
  'librispeech_deepspeech_tanh': deepspeech_model.Config(activation=jnp.tanh),
  'librispeech_deepspeech_no_resnet': deepspeech_model.Config(
    residual=False, feed_forward_dropout=None
  ),
  _NORM_AND_SPEC_AUG: deepspeech_model.Config(layer_norm=True),
  _MINI: deepspeech_model.Config(
    vocabulary=data_lib.MINI.vocabulary,
    width=128,
    channels=16,
    statistics_decay=0.99,
    num_lstm_layers=3,
    num_feed_forward_layers=1,
    feed_forward_dropout=None,
  ),
}


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random audio, None for the real one.
  """
  mini = name == _MINI
  setup = task.MINI if mini else task.FULL
  if name == _NORM_AND_SPEC_AUG:
    setup = dataclasses.replace(
      setup, masks=spec_augment.Masks(time=15, frequency=4), eval_batch_size=128
    )
  return task.workload(
    name,
    deepspeech_model.DeepSpeech(CONFIGS[name]),
    setup,
    data,
    model_name='DeepSpeech 2, narrow' if mini else 'DeepSpeech 2',
    source='Amodei et al. 2016, arXiv:1512.02595',
  )
