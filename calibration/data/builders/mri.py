# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The MNI152 average brain at 2 mm: T1 intensity, grey and white matter."""

from __future__ import annotations

import gzip
import pathlib

import numpy as np

from calibration.data.builders import packages, store

PACKAGES = (
  packages.Package(
    'wheel',
    'nilearn',
    '0.14.1',
    'nilearn-*.whl',
    '725206484e9fb3f6691f9c2d20204a068759d5072f12055324702ee0cb2bbe8a',
  ),
)
DESCRIPTION = {
  'title': 'ICBM 2009a nonlinear symmetric template (MNI152) at 2 mm',
  'licence': 'MNI notice (permissive; text in NOTICE)',
  'credit': (
    'Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, '
    'Montreal Neurological Institute, McGill University; Fonov et al. 2009, '
    '2011; taken from nilearn'
  ),
  'made': (
    'Real: the average of 152 brains, mean of 2x2x2 voxels, cropped. The '
    'slices made from it at load (warp, contrast, phase, noise, k-space) are '
    'simulated.'
  ),
}
SPLITS = {'train': 2_000, 'validation': 256, 'test': 256}  # Simulated slices.
_MAPS = ('t1', 'gm', 'wm')
_BRAIN = (slice(12, 86), slice(13, 105), slice(0, 79))  # In voxels of 2 mm.


def build(paths: list[pathlib.Path]) -> store.Packed:
  """The three maps, (3, 74, 92, 79) uint8."""
  volumes = np.stack([_half_size(_volume(paths[0], name)) for name in _MAPS])
  volumes = volumes[(slice(None), *_BRAIN)]
  return store.Packed(
    arrays={'volumes': volumes}, splits=SPLITS, literal_bits=(3, 0, 0)
  )


def _volume(path: pathlib.Path, name: str) -> np.ndarray:
  """Voxels of a NIfTI-1 file: header fields dim, vox_offset, then bytes."""
  content = gzip.decompress(
    packages.member(path, f'icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz')
  )
  shape = np.frombuffer(content, '<i2', 3, 42).astype(int)
  offset = int(np.frombuffer(content, '<f4', 1, 108)[0])
  voxels = np.frombuffer(content, np.uint8, int(shape.prod()), offset)
  return voxels.reshape(shape, order='F')


def _half_size(volume: np.ndarray) -> np.ndarray:
  """Rounded means of 2x2x2 voxels; an odd last plane is dropped."""
  x, y, z = (n // 2 for n in volume.shape)
  blocks = volume[: 2 * x, : 2 * y, : 2 * z].reshape(x, 2, y, 2, z, 2)
  return np.rint(blocks.mean((1, 3, 5))).astype(np.uint8)
