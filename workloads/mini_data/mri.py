# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated MRI scans of one real brain: the MNI152 average.

Real: the three 2 mm maps. Simulated: everything that makes one scan differ
from another (pose, elastic warp, contrast, bias field, texture, phase, noise),
and the k-space. One anatomy, one coil.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workloads.mini_data import cache, files

SIZE = 96
SLICES_PER_VOLUME = 4
VERSION = '1'
_BLOCK = 8
# First slice of an orientation, and the split of each block of 8 slices from
# there on. Only one half of the sagittal slices: the brain is symmetric.
_BLOCKS = (
  (5, 'train validation test train'),
  (8, 'train train validation train train test train train train'),
  (12, 'train train validation train test train train'),
)
# Weights of T1, grey matter, white matter and fluid.
_CONTRASTS = {
  'T1': (1.0, 0.0, 0.0, 0.0),
  'T2-like': (0.0, 0.55, 0.35, 1.0),
  'PD-like': (0.0, 0.85, 0.65, 0.4),
}
_BRAIN_T1 = 20  # Voxels above are inside the brain.


class Brain(NamedTuple):
  """The three maps on one grid of 2 mm voxels (right, anterior, superior).

  Attributes:
    t1: (74, 92, 79) uint8, T1-weighted intensity.
    grey: (74, 92, 79) uint8, 255 times the fraction of grey matter.
    white: (74, 92, 79) uint8, 255 times the fraction of white matter.
  """

  t1: np.ndarray
  grey: np.ndarray
  white: np.ndarray


class Slices(NamedTuple):
  """Fully sampled scans of one split, as fastMRI's files hold them.

  Slices 4 v .. 4 v + 3 are one volume: same orientation, contrast and warp.
  An undersampled input is made from `kspace` by the full task's steps.

  Attributes:
    kspace: (N, 96, 96) complex64, centred: zero frequency at [48, 48].
    reconstruction: (N, 96, 96) float32, magnitude of the orthonormal inverse
      transform of `kspace` (fftshift(ifft2(ifftshift(k), norm='ortho'))).
    volume_max: (N,) float32, largest value of the volume's reconstructions.
  """

  kspace: np.ndarray
  reconstruction: np.ndarray
  volume_max: np.ndarray


def brain() -> Brain:
  """The average brain that all scans are simulated from.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  return Brain(*files.read('mri')['volumes'])


def slices(split: str) -> Slices:
  """Simulated scans of a split: 2,000 / 256 / 256 slices of 96x96.

  Fixed: slice i of a split is the same in every run. Kept in the cache of
  derived arrays, k-space as float16 pairs. The splits use different positions
  in the brain, at least two slices apart.

  Args:
    split: `'train'`, `'validation'` or `'test'`.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  arrays = cache.cached(
    f'mri-{split}',
    (files.manifest()['mri']['sha256'], VERSION),
    lambda: {'kspace': _simulate(split)},
  )
  pairs = arrays['kspace'].astype(np.float32)
  kspace = pairs.view(np.complex64)[..., 0]
  reconstruction = np.abs(image_of(kspace))
  largest = reconstruction.reshape(-1, SLICES_PER_VOLUME * SIZE**2).max(axis=1)
  return Slices(kspace, reconstruction, np.repeat(largest, SLICES_PER_VOLUME))


def image_of(kspace: np.ndarray) -> np.ndarray:
  """Complex images of centred k-space: the orthonormal inverse transform."""
  axes = (-2, -1)
  return np.fft.fftshift(
    np.fft.ifft2(np.fft.ifftshift(kspace, axes), norm='ortho'), axes
  )


def positions(split: str) -> list[np.ndarray]:
  """The slices of a split in each orientation (sagittal, coronal, axial).

  The outer slice of each side of a block is left out.
  """
  return [
    np.concatenate(
      [
        first + _BLOCK * i + np.arange(1, _BLOCK - 1)
        for i, owner in enumerate(owners.split())
        if owner == split
      ]
    )
    for first, owners in _BLOCKS
  ]


def _simulate(split: str) -> np.ndarray:
  """K-space of all slices of a split, (N, 96, 96, 2) float16."""
  volumes = np.stack(brain()).astype(np.float32)
  tissue = 255.0 * (volumes[0] > _BRAIN_T1)
  fluid = np.clip(tissue - volumes[1] - volumes[2], 0, 255)
  maps = np.concatenate([volumes, fluid[None]]).astype(np.float32)
  number = files.SPLITS.index(split)
  count = files.manifest()['mri']['splits'][split] // SLICES_PER_VOLUME
  kspace = [
    _scan(maps, positions(split), np.random.Philox(key=[number, volume]))
    for volume in range(count)
  ]
  pairs = np.concatenate(kspace).astype(np.complex64).view(np.float32)
  return pairs.reshape(-1, SIZE, SIZE, 2).astype(np.float16)


def _scan(
  maps: np.ndarray, slices: list[np.ndarray], bits: np.random.Philox
) -> np.ndarray:
  """K-space (4, 96, 96) of one volume, whose random numbers are `bits`."""
  rng = np.random.Generator(bits)
  orientation = rng.integers(3)
  rows = rng.choice(slices[orientation], SLICES_PER_VOLUME, replace=False)
  weights = rng.choice(list(_CONTRASTS.values()))
  planes = np.tensordot(
    weights.astype(np.float32), maps.take(rows, axis=orientation + 1), 1
  )
  planes = _centred(np.moveaxis(planes, orientation, 0))
  texture = _blur(rng.standard_normal(planes.shape, np.float32))
  planes = planes * (1 + rng.uniform(0.02, 0.06) * texture)
  images = _warp(planes, _source_coordinates(rng))
  images = images * np.exp(rng.uniform(0, 0.3) * _smooth_field(rng))
  images = images * np.exp(1j * rng.uniform(0, np.pi) * _smooth_field(rng))
  noise = rng.standard_normal((2, *images.shape), np.float32)
  sigma = 255 * rng.uniform(0.005, 0.015)
  axes = (-2, -1)
  kspace = np.fft.fftshift(
    np.fft.fft2(np.fft.ifftshift(images, axes), norm='ortho'), axes
  )
  return kspace + sigma * (noise[0] + 1j * noise[1])


def _centred(planes: np.ndarray) -> np.ndarray:
  """Planes (n, h, w) in the middle of (n, 96, 96)."""
  margins = [(0, 0)]
  for length in planes.shape[1:]:
    before = (SIZE - length) // 2
    margins.append((before, SIZE - length - before))
  return np.pad(planes, margins)


def _blur(noise: np.ndarray) -> np.ndarray:
  """Sums of 2x2 neighbours, scaled to keep the variance of white noise."""
  pairs = noise + np.roll(noise, 1, axis=-1)
  return (pairs + np.roll(pairs, 1, axis=-2)) / 2


def _smooth_field(rng: np.random.Generator, orders: int = 4) -> np.ndarray:
  """A random sum of the lowest cosines in both directions, largest value 1."""
  pixel = (np.arange(SIZE) + 0.5) / SIZE
  waves = np.cos(np.pi * np.arange(orders)[:, None] * pixel)
  weights = rng.standard_normal((orders, orders))
  field = waves.T @ weights @ waves
  return field / np.abs(field).max()


def _source_coordinates(rng: np.random.Generator) -> np.ndarray:
  """Where each pixel comes from, (2, 96, 96): a pose and an elastic warp."""
  angle = np.deg2rad(rng.uniform(-10, 10))
  scale = rng.uniform(0.9, 1.02)  # More would leave the field of view.
  bend = rng.uniform(1, 4)  # Pixels.
  centre = (SIZE - 1) / 2
  y, x = np.meshgrid(*[np.arange(SIZE) - centre] * 2, indexing='ij')
  rotated = (
    y * np.cos(angle) - x * np.sin(angle),
    y * np.sin(angle) + x * np.cos(angle),
  )
  return np.stack(
    [c / scale + bend * _smooth_field(rng) + centre for c in rotated]
  )


def _warp(planes: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
  """Planes (n, 96, 96) read at coordinates, linear between pixels."""
  coordinates = np.clip(coordinates, 0, SIZE - 1.001)
  y, x = coordinates.astype(int)
  dy, dx = (coordinates - (y, x)).astype(np.float32)
  top = planes[:, y, x] * (1 - dx) + planes[:, y, x + 1] * dx
  bottom = planes[:, y + 1, x] * (1 - dx) + planes[:, y + 1, x + 1] * dx
  return top * (1 - dy) + bottom * dy
