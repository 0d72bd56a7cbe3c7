# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reconstruction of undersampled MRI slices with a U-Net."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads import param_kinds
from workloads.fastmri import data as data_lib
from workloads.fastmri import model as model_lib
from workloads.fastmri import ssim

DEFAULT_DROPOUT = 0.0
CONFIGS = {
  'fastmri': model_lib.UNetConfig(),
  'fastmri_model_size': model_lib.UNetConfig(channels=64, num_pools=3),
  'fastmri_tanh': model_lib.UNetConfig(activation=nn.tanh),
  'fastmri_layernorm': model_lib.UNetConfig(layer_norm=True),
  'mini_mri': model_lib.UNetConfig(channels=8, num_pools=3),
}
_DESCRIPTION = workload.Description(
  task='MRI reconstruction',
  dataset='fastMRI knee, single coil',
  model='U-Net',
  loss='mean absolute error',
  num_train=34_742,
  num_eval_train=3_584,
  num_validation=3_554,
  num_test=3_581,
  default_dropout=DEFAULT_DROPOUT,
  source='Zbontar et al. 2018; Ronneberger et al. 2015',
)
_MINI_DESCRIPTION = workload.Description(
  task='MRI reconstruction',
  dataset='MNI152 average brain, simulated scans',
  model='U-Net, 3 levels from 8 channels',
  loss='mean absolute error',
  num_train=2_000,
  num_eval_train=data_lib.MINI_EVALUATED['train'],
  num_validation=data_lib.MINI_EVALUATED['validation'],
  num_test=data_lib.MINI_EVALUATED['test'],
  default_dropout=DEFAULT_DROPOUT,
  source='Fonov et al. 2011; Zbontar et al. 2018',
)


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name, a key of `CONFIGS`.

  Args:
    name: base workload, variant or mini workload.
    data: `'fake'` for random images, None for the real ones.
  """
  mini = name.startswith('mini_')
  size = data_lib.MINI_SIZE if mini else 320
  model = model_lib.UNet(CONFIGS[name])
  apply = functools.partial(_apply, model)
  return workload.Workload(
    name=name,
    description=_MINI_DESCRIPTION if mini else _DESCRIPTION,
    init=functools.partial(_init, model),
    apply=apply,
    loss=loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=finish,
    data=data_lib.build(name, size, data),
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.MEAN_ABSOLUTE_ERROR,
    default_batch_size=8 if mini else 32,
    eval_batch_size=32 if mini else 256,
    metric_names=('ssim', 'loss'),
  )


def loss(images, batch, *, label_smoothing=0.0) -> workload.Loss:
  """Mean absolute difference of the pixels; label smoothing is ignored.

  Args:
    images: reconstructions (B, H, W).
    batch: `targets` (B, H, W); `weights` (B,), optional.
    label_smoothing: ignored.

  Returns:
    The loss; `n_valid` is the sum of the weights, `per_example` is (B,).
  """
  per_example = jnp.abs(images - batch['targets']).mean(axis=(1, 2))
  weights = batch.get('weights', jnp.ones_like(per_example))
  per_example = per_example * weights
  return workload.Loss(per_example.sum(), weights.sum(), per_example)


def similarity(images, batch) -> jax.Array:
  """SSIM of each example in the units of the scanner, (B,).

  Args:
    images: reconstructions (B, H, W), normalised.
    batch: `targets` (B, H, W), normalised; `mean`, `std` and `volume_max` (B,),
      0, 1 and 1 if they are missing.
  """
  ones = jnp.ones(images.shape[0])
  mean = batch.get('mean', 0 * ones)[:, None, None]
  std = batch.get('std', ones)[:, None, None]
  return ssim.ssim(
    images * std + mean,
    batch['targets'] * std + mean,
    batch.get('volume_max', ones),
  )


def finish(sums, rows) -> dict[str, float]:
  """Mean SSIM and mean loss; 0 for a split without examples."""
  count = max(float(sums['num_examples']), 1.0)
  return {key: float(sums[key]) / count for key in ('ssim', 'loss')}


def _init(model, key):
  """Parameters, and an empty model state."""
  params_key, _ = jax.random.split(key)
  # Any size does: the parameters depend on the channels alone.
  images = jnp.zeros((1, 64, 64))
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
  """Reconstructions, and the model state as it was: no statistics."""
  images = model.apply(
    {'params': params},
    batch['inputs'],
    train=train,
    dropout_rate=DEFAULT_DROPOUT if dropout_rate is None else dropout_rate,
    rngs={'dropout': key} if train else None,
  )
  return images, model_state


def _evaluate(apply, params, model_state, batch, key):
  """Sums of SSIM and loss over the real examples."""
  images, _ = apply(params, model_state, batch, key, train=False)
  summed, n_valid, _ = loss(images, batch)
  weights = batch.get('weights', jnp.ones(images.shape[0]))
  return {
    'ssim': jnp.sum(similarity(images, batch) * weights),
    'loss': summed,
    'num_examples': n_valid,
  }, {}
