# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reconstruction of undersampled MRI slices with a U-Net."""

import dataclasses
import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import data as data_lib
from jaxperf import workload
from workloads import flax_model, param_kinds
from workloads.fastmri import data as fastmri_data
from workloads.fastmri import model, ssim

DEFAULT_DROPOUT = 0.0


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one reconstruction workload is made of.

  Attributes:
    description: for tables and records.
    model: the network.
    image_size: height and width in pixels.
    batch_size: training slices in a step.
    eval_batch_size: evaluation slices in a batch.
    data: makes the real batches; None where they are not available.
  """

  description: workload.Description
  model: nn.Module
  image_size: int
  batch_size: int
  eval_batch_size: int
  data: Callable[[], workload.Data] | None = None


FULL = Settings(
  description=workload.Description(
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
  ),
  model=model.UNet(model.Config()),
  image_size=320,
  batch_size=32,
  eval_batch_size=256,
)
MODEL_SIZE = dataclasses.replace(
  FULL, model=model.UNet(model.Config(channels=64, num_pools=3))
)
TANH = dataclasses.replace(
  FULL, model=model.UNet(model.Config(activation=nn.tanh))
)
LAYERNORM = dataclasses.replace(
  FULL, model=model.UNet(model.Config(layer_norm=True))
)
MINI = dataclasses.replace(
  FULL,
  description=dataclasses.replace(
    FULL.description,
    dataset='MNI152 average brain, simulated scans',
    model='U-Net, 3 levels from 8 channels',
    num_train=2_000,
    num_eval_train=fastmri_data.MINI_EVALUATED['train'],
    num_validation=fastmri_data.MINI_EVALUATED['validation'],
    num_test=fastmri_data.MINI_EVALUATED['test'],
    source='Fonov et al. 2011; Zbontar et al. 2018',
  ),
  model=model.UNet(model.Config(channels=8, num_pools=3)),
  image_size=fastmri_data.MINI_SIZE,
  batch_size=8,
  eval_batch_size=32,
  data=fastmri_data.mini,
)


def build(
  name: str, settings: Settings, *, data: str | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: `FULL`, `MINI` or a variant.
    data: `'fake'` for random images; None for the real ones.
  """
  # Any size does: the parameters depend on the channels alone.
  init, apply = flax_model.functions(
    settings.model, (1, 64, 64), DEFAULT_DROPOUT
  )
  return workload.Workload(
    name=name,
    description=settings.description,
    init=init,
    apply=apply,
    loss=loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=finish,
    data=_data(name, settings, data),
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.MEAN_ABSOLUTE_ERROR,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
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


def _data(name: str, settings: Settings, data: str | None) -> workload.Data:
  if data == 'fake':
    return fastmri_data.fake(settings.image_size)
  if settings.data is None:
    spec = functools.partial(fastmri_data.element_spec, settings.image_size)
    return data_lib.unavailable(name, spec)
  return settings.data()
