# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Image classification with a residual network: ResNet-50 and variants."""

import functools

import flax.linen as nn
import jax.numpy as jnp

from jaxperf import workload
from workloads.imagenet import data as data_lib
from workloads.imagenet import resnet_model, task

CONFIGS = {
  'imagenet_resnet': resnet_model.ResNetConfig(),
  'imagenet_resnet_silu': resnet_model.ResNetConfig(activation=nn.silu),
  'imagenet_resnet_gelu': resnet_model.ResNetConfig(activation=nn.gelu),
  'imagenet_resnet_large_bn_init': resnet_model.ResNetConfig(last_scale=8.0),
  'mini_images_resnet': resnet_model.ResNetConfig(
    num_classes=10, width=16, stage_sizes=(2, 2, 2)
  ),
}

_BATCH_SIZES = {
  'imagenet_resnet_silu': 512,
  'imagenet_resnet_gelu': 512,
  'mini_images_resnet': 128,
}


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random images, None for the real ones.
  """
  config = CONFIGS[name]
  mini = name.startswith('mini_')
  eval_batch_size = 250 if mini else 1024
  spec = data_lib.ImageSpec(28 if mini else 224, config.num_classes, False)
  model = resnet_model.ResNet(config)
  return task.workload(
    name,
    init=functools.partial(_init, model, spec.size),
    apply=functools.partial(_apply, model),
    description=task.description(
      'ResNet, 6 blocks from width 16' if mini else 'ResNet-50',
      eval_batch_size,
      source='He et al. 2016; Goyal et al. 2017',
      mini=mini,
    ),
    data=data_lib.build(name, spec, data),
    batch_size=_BATCH_SIZES.get(name, 1024),
    eval_batch_size=eval_batch_size,
  )


def _init(model, size, key):
  """Parameters, and running statistics as `{'batch_stats': ...}`."""
  variables = model.init(
    key, jnp.ones((1, size, size, 3)), use_running_average=True
  )
  params = variables.pop('params')
  return params, variables


def _apply(
  model,
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
  """Logits, and new running statistics if batch statistics were used.

  The two flags are independent: batch statistics without an update of the
  running ones are possible. There is no dropout.
  """
  logits, new_state = model.apply(
    {'params': params} | model_state,
    batch['inputs'],
    use_running_average=(
      not train if use_running_average is None else use_running_average
    ),
    mutable=['batch_stats'],
  )
  return logits, new_state if update_stats else model_state
