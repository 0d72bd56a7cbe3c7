# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech recognition with a Conformer: base workload, variants, mini task."""

import flax.linen as nn

from jaxperf import workload
from workloads.librispeech import conformer_model, task
from workloads.librispeech import data as data_lib

_MINI = 'mini_speech_conformer'
CONFIGS = {
  'librispeech_conformer': conformer_model.Config(),
  'librispeech_conformer_attention_temperature': conformer_model.Config(
    attention_temperature=1.6
  ),
  'librispeech_conformer_layernorm': conformer_model.Config(
    normalise_blocks=False
  ),
  'librispeech_conformer_gelu': conformer_model.Config(activation=nn.gelu),
  _MINI: conformer_model.Config(
    vocabulary=data_lib.MINI.vocabulary,
    width=96,
    channels=16,
    statistics_decay=0.99,
    num_blocks=2,
    num_heads=4,
    feed_forward=384,
  ),
}


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random audio, None for the real one.
  """
  mini = name == _MINI
  return task.workload(
    name,
    conformer_model.Conformer(CONFIGS[name]),
    task.MINI if mini else task.FULL,
    data,
    model_name='Conformer, narrow' if mini else 'Conformer',
    source='Gulati et al. 2020, arXiv:2005.08100',
  )
