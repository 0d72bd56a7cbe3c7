# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""ResNet with bottleneck blocks; the stride is in the 3x3 convolution.

References:
  He et al., Deep residual learning for image recognition, CVPR 2016.
  Goyal et al., Accurate, large minibatch SGD, 2017.
"""

import dataclasses
import functools
from collections.abc import Callable

import flax.linen as nn
import jax

from workloads import convolution
from workloads.imagenet import data, workload


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and variants of the model; the defaults are ResNet-50.

  Attributes:
    num_classes: logits.
    width: channels after the first convolution.
    stage_sizes: bottleneck blocks in each stage.
    activation: after each normalisation but the last of a block.
    last_scale: initial scale of the last normalisation of each block.
  """

  num_classes: int = 1000
  width: int = 64
  stage_sizes: tuple[int, ...] = (3, 4, 6, 3)
  activation: Callable[[jax.Array], jax.Array] = nn.relu
  last_scale: float = 0.0


class ResNet(nn.Module):
  """Images (B, H, W, 3) to logits (B, classes)."""

  config: Config

  @nn.compact
  def __call__(self, images, *, train: bool):
    """Logits; new statistics go to the collection `batch_stats`."""
    config = self.config
    norm = _batch_norm(train)
    x = _conv(
      config.width, (7, 7), strides=(2, 2), padding=3, name='Conv_init'
    )(images)
    x = config.activation(norm(name='BatchNorm_init')(x))
    x = convolution.max_pool(x)
    for i, num_blocks in enumerate(config.stage_sizes):
      for j in range(num_blocks):
        stride = 2 if i > 0 and j == 0 else 1
        block = BottleneckResNetBlock(config, config.width * 2**i, stride)
        x = block(x, train)
    x = x.mean(axis=(1, 2))
    return nn.Dense(
      config.num_classes, kernel_init=nn.initializers.normal(stddev=0.01)
    )(x)


class BottleneckResNetBlock(nn.Module):
  """Convolutions 1x1, 3x3, 1x1 to four times the filters, and a shortcut.

  The padding of a convolution with stride 2 on an even size is (0, 1).
  """

  config: Config
  filters: int
  stride: int

  @nn.compact
  def __call__(self, x, train):
    """(B, H, W, C) to (B, H / stride, W / stride, 4 filters)."""
    activation = self.config.activation
    norm = _batch_norm(train)
    strides = (self.stride, self.stride)
    y = activation(norm()(_conv(self.filters, (1, 1))(x)))
    y = activation(norm()(_conv(self.filters, (3, 3), strides=strides)(y)))
    y = _conv(4 * self.filters, (1, 1))(y)
    last_scale = nn.initializers.constant(self.config.last_scale)
    y = norm(scale_init=last_scale)(y)
    if x.shape != y.shape:
      x = _conv(4 * self.filters, (1, 1), strides=strides, name='Conv_proj')(x)
      x = norm(name='BatchNorm_proj')(x)
    return activation(x + y)


_conv = functools.partial(convolution.Conv, use_bias=False)


def _batch_norm(train: bool) -> Callable[..., nn.Module]:
  """Batch normalisation over the global batch; new = 0.9 old + 0.1 batch."""
  return functools.partial(
    nn.BatchNorm, use_running_average=not train, momentum=0.9, epsilon=1e-5
  )


FULL = workload.Settings(
  model=ResNet(Config()),
  model_name='ResNet-50',
  source='He et al. 2016; Goyal et al. 2017',
  dataset=data.IMAGENET,
  num_eval_train=50_176,  # As many full batches as for validation.
  mixup=False,
  batch_size=1024,
  eval_batch_size=1024,
)
SILU = dataclasses.replace(
  FULL, model=ResNet(Config(activation=nn.silu)), batch_size=512
)
GELU = dataclasses.replace(
  FULL, model=ResNet(Config(activation=nn.gelu)), batch_size=512
)
LARGE_BN_INIT = dataclasses.replace(FULL, model=ResNet(Config(last_scale=8.0)))
MINI = dataclasses.replace(
  FULL,
  model=ResNet(Config(num_classes=10, width=16, stage_sizes=(2, 2, 2))),
  model_name='ResNet, 6 blocks from width 16',
  dataset=data.FASHION_MNIST,
  num_eval_train=data.MINI_EVAL_TRAIN,
  batch_size=128,
  eval_batch_size=250,
)
