# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech recognition with LSTMs: base workload, variants, mini task."""

import dataclasses

import jax.numpy as jnp

from jaxperf import workload as workload_lib
from workloads.librispeech import data as data_lib
from workloads.librispeech import task
from workloads.librispeech.deepspeech_model import Config, DeepSpeech
from workloads.librispeech.spec_augment import Masks

_MINI = 'mini_speech_deepspeech'
_NORM_AND_SPEC_AUG = 'librispeech_deepspeech_norm_and_spec_aug'
CONFIGS = {
  'librispeech_deepspeech': Config(),
  'librispeech_deepspeech_tanh': Config(activation=jnp.tanh),
  'librispeech_deepspeech_no_resnet': Config(
    residual=False, feed_forward_dropout=None
  ),
  _NORM_AND_SPEC_AUG: Config(layer_norm=True),
  _MINI: Config(
    vocabulary=data_lib.MINI.vocabulary,
    width=128,
    channels=16,
    statistics_decay=0.99,
    num_lstm_layers=3,
    num_feed_forward_layers=1,
    feed_forward_dropout=None,
  ),
}


def build(name: str, *, data: str | None = None) -> workload_lib.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random audio, None for the real one.
  """
  mini = name == _MINI
  setup = task.MINI if mini else task.FULL
  if name == _NORM_AND_SPEC_AUG:
    setup = dataclasses.replace(
      setup, masks=Masks(time=15, frequency=4), eval_batch_size=128
    )
  return task.workload(
    name,
    DeepSpeech(CONFIGS[name]),
    setup,
    data,
    model_name='DeepSpeech 2, narrow' if mini else 'DeepSpeech 2',
    source='Amodei et al. 2016, arXiv:1512.02595',
  )
