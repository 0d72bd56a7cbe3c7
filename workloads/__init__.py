# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The table of workloads: name -> module and attribute with its settings.

What `FOLDER/workload.py` builds from them is the workload. `MINI` is the mini
workload that stands for all others of its module.
"""

import importlib
import pathlib

import jaxperf
from jaxperf import errors

TABLE = {
  'criteo1tb': 'criteo1tb.workload:FULL',
  'criteo1tb_layernorm': 'criteo1tb.workload:LAYERNORM',
  'criteo1tb_embed_init': 'criteo1tb.workload:EMBED_INIT',
  'criteo1tb_resnet': 'criteo1tb.workload:RESNET',
  'fastmri': 'fastmri.workload:FULL',
  'fastmri_model_size': 'fastmri.workload:MODEL_SIZE',
  'fastmri_tanh': 'fastmri.workload:TANH',
  'fastmri_layernorm': 'fastmri.workload:LAYERNORM',
  'imagenet_resnet': 'imagenet.resnet:FULL',
  'imagenet_resnet_silu': 'imagenet.resnet:SILU',
  'imagenet_resnet_gelu': 'imagenet.resnet:GELU',
  'imagenet_resnet_large_bn_init': 'imagenet.resnet:LARGE_BN_INIT',
  'imagenet_vit': 'imagenet.vit:FULL',
  'imagenet_vit_glu': 'imagenet.vit:GLU',
  'imagenet_vit_post_ln': 'imagenet.vit:POST_LN',
  'imagenet_vit_map': 'imagenet.vit:MAP',
  'librispeech_conformer': 'librispeech.conformer:FULL',
  'librispeech_conformer_attention_temperature': (
    'librispeech.conformer:ATTENTION_TEMPERATURE'
  ),
  'librispeech_conformer_layernorm': 'librispeech.conformer:LAYERNORM',
  'librispeech_conformer_gelu': 'librispeech.conformer:GELU',
  'librispeech_deepspeech': 'librispeech.deepspeech:FULL',
  'librispeech_deepspeech_tanh': 'librispeech.deepspeech:TANH',
  'librispeech_deepspeech_no_resnet': 'librispeech.deepspeech:NO_RESNET',
  'librispeech_deepspeech_norm_and_spec_aug': (
    'librispeech.deepspeech:NORM_AND_SPEC_AUG'
  ),
  'ogbg': 'ogbg.workload:FULL',
  'ogbg_gelu': 'ogbg.workload:GELU',
  'ogbg_silu': 'ogbg.workload:SILU',
  'ogbg_model_size': 'ogbg.workload:MODEL_SIZE',
  'wmt': 'wmt.workload:FULL',
  'wmt_post_ln': 'wmt.workload:POST_LN',
  'wmt_attention_temp': 'wmt.workload:ATTENTION_TEMP',
  'wmt_glu_tanh': 'wmt.workload:GLU_TANH',
  'finewebedu_lm': 'finewebedu_lm.workload:FULL',
  'finewebedu_lm_clean': 'finewebedu_lm.workload:CLEAN',
  'mini_clicks': 'criteo1tb.workload:MINI',
  'mini_mri': 'fastmri.workload:MINI',
  'mini_images_resnet': 'imagenet.resnet:MINI',
  'mini_images_vit': 'imagenet.vit:MINI',
  'mini_speech_conformer': 'librispeech.conformer:MINI',
  'mini_speech_deepspeech': 'librispeech.deepspeech:MINI',
  'mini_molecules': 'ogbg.workload:MINI',
  'mini_translation': 'wmt.workload:MINI',
  'mini_language': 'finewebedu_lm.workload:MINI',
}
TYPICAL = ('imagenet_resnet', 'wmt')  # Of convolutions and of attention.


def settings(name: str):
  """The settings of that workload, a value of its folder's `Settings`.

  >>> settings('mini_clicks').batch_size
  128

  Args:
    name: a key of `TABLE`.

  Raises:
    UserError: if there is no such workload; names the nearest.
  """
  if name not in TABLE:
    raise errors.UserError(
      f'workload {name!r} not found{errors.nearest(name, TABLE)} '
      '`jaxperf list workloads` shows all of them.'
    )
  module, _, attribute = TABLE[name].partition(':')
  return getattr(importlib.import_module(f'workloads.{module}'), attribute)


def build(
  name: str, *, data: str | pathlib.Path | None = None
) -> 'jaxperf.Workload':
  """The workload of that name.

  >>> workload = build('mini_clicks', data='fake')
  >>> batch, cursor = next(workload.data.train(0, 4, None))
  >>> batch['inputs'].shape, batch['targets'].shape
  ((4, 39), (4,))

  Args:
    name: a key of `TABLE`.
    data: `'fake'` for random data of the right shapes; for the real data a
      `pathlib.Path`, the folder of all prepared data, or None for the one that
      `$JAXPERF_DATA` names. Mini workloads bring their own data.

  Raises:
    UserError: if there is no such workload; names the nearest.
  """
  chosen = settings(name)
  folder, _, _ = TABLE[name].partition('.')
  workload = importlib.import_module(f'workloads.{folder}.workload')
  return workload.build(name, chosen, data=data)
