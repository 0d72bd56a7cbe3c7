# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The table of workloads: name -> module that builds it."""

import importlib

import jaxperf
from jaxperf import errors

TABLE = {
  'criteo1tb': 'criteo1tb.workload',
  'criteo1tb_layernorm': 'criteo1tb.workload',
  'criteo1tb_embed_init': 'criteo1tb.workload',
  'criteo1tb_resnet': 'criteo1tb.workload',
  'fastmri': 'fastmri.workload',
  'fastmri_model_size': 'fastmri.workload',
  'fastmri_tanh': 'fastmri.workload',
  'fastmri_layernorm': 'fastmri.workload',
  'imagenet_resnet': 'imagenet.resnet',
  'imagenet_resnet_silu': 'imagenet.resnet',
  'imagenet_resnet_gelu': 'imagenet.resnet',
  'imagenet_resnet_large_bn_init': 'imagenet.resnet',
  'imagenet_vit': 'imagenet.vit',
  'imagenet_vit_glu': 'imagenet.vit',
  'imagenet_vit_post_ln': 'imagenet.vit',
  'imagenet_vit_map': 'imagenet.vit',
  'librispeech_conformer': 'librispeech.conformer',
  'librispeech_conformer_attention_temperature': 'librispeech.conformer',
  'librispeech_conformer_layernorm': 'librispeech.conformer',
  'librispeech_conformer_gelu': 'librispeech.conformer',
  'librispeech_deepspeech': 'librispeech.deepspeech',
  'librispeech_deepspeech_tanh': 'librispeech.deepspeech',
  'librispeech_deepspeech_no_resnet': 'librispeech.deepspeech',
  'librispeech_deepspeech_norm_and_spec_aug': 'librispeech.deepspeech',
  'ogbg': 'ogbg.workload',
  'ogbg_gelu': 'ogbg.workload',
  'ogbg_silu': 'ogbg.workload',
  'ogbg_model_size': 'ogbg.workload',
  'wmt': 'wmt.workload',
  'wmt_post_ln': 'wmt.workload',
  'wmt_attention_temp': 'wmt.workload',
  'wmt_glu_tanh': 'wmt.workload',
  'mini_clicks': 'criteo1tb.workload',
  'mini_mri': 'fastmri.workload',
  'mini_images_resnet': 'imagenet.resnet',
  'mini_images_vit': 'imagenet.vit',
  'mini_speech_conformer': 'librispeech.conformer',
  'mini_speech_deepspeech': 'librispeech.deepspeech',
  'mini_molecules': 'ogbg.workload',
  'mini_translation': 'wmt.workload',
}


def build(name: str, *, data: str | None = None) -> 'jaxperf.Workload':
  """The workload of that name.

  Args:
    name: a key of `TABLE`.
    data: `'fake'` for random data of the right shapes; None for the real data.

  Raises:
    UserError: if there is no such workload; names the nearest.
  """
  if name not in TABLE:
    raise errors.UserError(
      f'workload {name!r} not found{errors.nearest(name, TABLE)} '
      '`jaxperf list workloads` shows all of them.'
    )
  module = importlib.import_module(f'workloads.{TABLE[name]}')
  return module.build(name, data=data)
