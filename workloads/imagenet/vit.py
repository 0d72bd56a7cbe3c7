# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Image classification with a vision transformer: ViT-S/16 and variants."""

import functools

import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads.imagenet import data as data_lib
from workloads.imagenet import task, vit_model

DEFAULT_DROPOUT = 0.0
CONFIGS = {
  'imagenet_vit': vit_model.ViTConfig(),
  'imagenet_vit_glu': vit_model.ViTConfig(glu=True),
  'imagenet_vit_post_ln': vit_model.ViTConfig(post_ln=True),
  'imagenet_vit_map': vit_model.ViTConfig(map_pooling=True),
  'mini_images_vit': vit_model.ViTConfig(
    num_classes=10, patch=7, width=64, depth=3, mlp_width=256, num_heads=4
  ),
}


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random images, None for the real ones.
  """
  config = CONFIGS[name]
  mini = name.startswith('mini_')
  eval_batch_size = 250 if mini else 2048
  spec = data_lib.ImageSpec(28 if mini else 224, config.num_classes, True)
  model = vit_model.ViT(config)
  return task.workload(
    name,
    init=functools.partial(_init, model, spec.size),
    apply=functools.partial(_apply, model),
    description=task.description(
      'ViT, 3 blocks of width 64' if mini else 'ViT-S/16',
      eval_batch_size,
      source='Dosovitskiy et al. 2021; Beyer et al. 2022',
      mini=mini,
      default_dropout=DEFAULT_DROPOUT,
    ),
    data=data_lib.build(name, spec, data),
    batch_size=128 if mini else 1024,
    eval_batch_size=eval_batch_size,
  )


def _init(model, size, key):
  """Parameters, and an empty model state."""
  params_key, _ = jax.random.split(key)
  images = jnp.ones((1, size, size, 3))
  return model.init(params_key, images, train=False)['params'], {}


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
  """Logits, and the model state as it was: there are no statistics."""
  logits = model.apply(
    {'params': params},
    batch['inputs'],
    train=train,
    dropout_rate=DEFAULT_DROPOUT if dropout_rate is None else dropout_rate,
    rngs={'dropout': key} if train else None,
  )
  return logits, model_state
