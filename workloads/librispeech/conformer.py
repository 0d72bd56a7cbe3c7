# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech recognition with a Conformer: base workload, variants, mini task."""

import flax.linen as nn

from jaxperf import workload as workload_lib
from workloads.librispeech import data as data_lib
from workloads.librispeech import task
from workloads.librispeech.conformer_model import Config, Conformer

_MINI = 'mini_speech_conformer'
CONFIGS = {
  'librispeech_conformer': Config(),
  'librispeech_conformer_attention_temperature': Config(
    attention_temperature=1.6
  ),
  'librispeech_conformer_layernorm': Config(normalise_blocks=False),
  'librispeech_conformer_gelu': Config(activation=nn.gelu),
  _MINI: Config(
    vocabulary=data_lib.MINI.vocabulary,
    width=96,
    channels=16,
    statistics_decay=0.99,
    num_blocks=2,
    num_heads=4,
    feed_forward=384,
  ),
}


def build(name: str, *, data: str | None = None) -> workload_lib.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random audio, None for the real one.
  """
  mini = name == _MINI
  return task.workload(
    name,
    Conformer(CONFIGS[name]),
    task.MINI if mini else task.FULL,
    data,
    model_name='Conformer, narrow' if mini else 'Conformer',
    source='Gulati et al. 2020, arXiv:2005.08100',
  )
