# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Vision transformer with fixed 2-D position embedding and no class token.

Shapes: B images, HxW pixels, T patches (tokens), D width, M width of the MLP.

References:
  Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021.
  Beyer et al., Better plain ViT baselines for ImageNet-1k, 2022.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from workloads import layers
from workloads.imagenet import data, workload

_GLOROT = nn.initializers.xavier_uniform()


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and variants of the model; the defaults are ViT-S/16.

  Attributes:
    num_classes: logits.
    patch: side of a patch in pixels.
    width: channels of a token.
    depth: encoder blocks.
    mlp_width: hidden channels of the MLPs.
    num_heads: of each attention.
    glu: whether the MLPs of the encoder gate their hidden layer.
    post_ln: LayerNorm after each residual addition, not before each branch.
    map_pooling: attention pooling with a learned probe, not the mean token.
  """

  num_classes: int = 1000
  patch: int = 16
  width: int = 384
  depth: int = 12
  mlp_width: int = 1536
  num_heads: int = 6
  glu: bool = False
  post_ln: bool = False
  map_pooling: bool = False


class ViT(nn.Module):
  """Images (B, H, W, 3) to logits (B, classes)."""

  config: Config

  @nn.compact
  def __call__(self, images, *, train: bool, dropout_rate=0.0):
    """Logits; the sides of the images are multiples of the patch."""
    config = self.config
    x = nn.Conv(
      config.width,
      (config.patch, config.patch),
      strides=(config.patch, config.patch),
      padding='VALID',
      name='conv_patch_extract',
    )(images)
    batch, rows, columns, width = x.shape
    x = x.reshape(batch, rows * columns, width)
    x = x + position_embedding(rows, columns, width)
    x = layers.dropout(self, x, dropout_rate, train=train)
    x = Encoder(config, name='Transformer')(x, train, dropout_rate)
    if config.map_pooling:
      x = MAPHead(config)(x)
    else:
      x = x.mean(axis=1)
    x = jnp.tanh(nn.Dense(config.width, name='pre_logits')(x))
    return nn.Dense(
      config.num_classes, kernel_init=nn.initializers.zeros, name='head'
    )(x)


class Encoder(nn.Module):
  """A stack of encoder blocks, (B, T, D) to (B, T, D)."""

  config: Config

  @nn.compact
  def __call__(self, x, train, dropout_rate):
    """All blocks in turn, and the final norm."""
    for i in range(self.config.depth):
      block = EncoderBlock(self.config, name=f'encoderblock_{i}')
      x = block(x, train, dropout_rate)
    if self.config.post_ln:
      return x
    return nn.LayerNorm(name='encoder_layernorm')(x)


class EncoderBlock(nn.Module):
  """Attention and MLP, each with a residual connection."""

  config: Config

  @nn.compact
  def __call__(self, x, train, dropout_rate):
    """(B, T, D) to (B, T, D)."""
    config = self.config
    attention = _attention(config, name='MultiHeadDotProductAttention_1')
    mlp = MlpBlock(config, gated=config.glu, name='MlpBlock_3')
    norm_0 = nn.LayerNorm(name='LayerNorm_0')
    norm_2 = nn.LayerNorm(name='LayerNorm_2')

    def attend(y):
      return layers.dropout(self, attention(y, y), dropout_rate, train=train)

    def transform(y):
      y = mlp(y, train, dropout_rate)
      return layers.dropout(self, y, dropout_rate, train=train)

    if config.post_ln:
      x = norm_0(x + attend(x))
      return norm_2(x + transform(x))
    x = x + attend(norm_0(x))
    return x + transform(norm_2(x))


class MlpBlock(nn.Module):
  """Dense, GELU, optional gate, dropout, Dense.

  The gate is computed from the activated hidden layer h, not from the input:
  h <- h * (W h + b), which is what the published model does.
  """

  config: Config
  gated: bool = False

  @nn.compact
  def __call__(self, x, train=False, dropout_rate=0.0):
    """(B, T, D) to (B, T, D)."""

    def dense(features):
      return nn.Dense(
        features,
        kernel_init=_GLOROT,
        bias_init=nn.initializers.normal(stddev=1e-6),
      )

    width = x.shape[-1]
    h_BxTxM = nn.gelu(dense(self.config.mlp_width)(x))
    if self.gated:
      h_BxTxM = h_BxTxM * dense(self.config.mlp_width)(h_BxTxM)
    h_BxTxM = layers.dropout(self, h_BxTxM, dropout_rate, train=train)
    return dense(width)(h_BxTxM)


class MAPHead(nn.Module):
  """Multi-head attention pooling, (B, T, D) to (B, D); without dropout."""

  config: Config

  @nn.compact
  def __call__(self, x):
    """The probe's view of all tokens."""
    batch, _, width = x.shape
    probe = self.param('probe', _GLOROT, (1, 1, width))
    probe = jnp.tile(probe, (batch, 1, 1))
    x = _attention(self.config, name='MultiHeadDotProductAttention_0')(probe, x)
    return (x + MlpBlock(self.config)(nn.LayerNorm()(x)))[:, 0]


def position_embedding(
  rows: int, columns: int, width: int, temperature: float = 10_000.0
) -> jax.Array:
  """Fixed sine-cosine embedding of a grid of patches, (1, T, D).

  With omega_k = temperature^(-k / (D/4 - 1)), k = 0 ... D/4 - 1, the token in
  row r and column q has [sin(q omega), cos(q omega), sin(r omega),
  cos(r omega)].

  Raises:
    ValueError: if `width` is not a multiple of 4.
  """
  if width % 4:
    raise ValueError(f'the width must be a multiple of 4, got {width}')
  y, x = jnp.mgrid[:rows, :columns]
  omega = jnp.arange(width // 4) / (width // 4 - 1)
  omega = 1.0 / temperature**omega
  y = y.reshape(-1, 1) * omega
  x = x.reshape(-1, 1) * omega
  return jnp.concatenate(
    [jnp.sin(x), jnp.cos(x), jnp.sin(y), jnp.cos(y)], axis=1
  )[None]


def _attention(config: Config, name: str) -> nn.Module:
  return nn.MultiHeadDotProductAttention(
    config.num_heads, kernel_init=_GLOROT, deterministic=True, name=name
  )


FULL = workload.Settings(
  model=ViT(Config()),
  model_name='ViT-S/16',
  source='Dosovitskiy et al. 2021; Beyer et al. 2022',
  dataset=data.IMAGENET,
  num_eval_train=51_200,  # As many full batches as for validation.
  mixup=True,
  batch_size=1024,
  eval_batch_size=2048,
  default_dropout=0.0,
)
GLU = dataclasses.replace(FULL, model=ViT(Config(glu=True)))
POST_LN = dataclasses.replace(FULL, model=ViT(Config(post_ln=True)))
MAP = dataclasses.replace(FULL, model=ViT(Config(map_pooling=True)))
MINI = dataclasses.replace(
  FULL,
  model=ViT(
    Config(
      num_classes=10, patch=7, width=64, depth=3, mlp_width=256, num_heads=4
    )
  ),
  model_name='ViT, 3 blocks of width 64',
  dataset=data.FASHION_MNIST,
  num_eval_train=data.MINI_EVAL_TRAIN,
  batch_size=128,
  eval_batch_size=250,
)
