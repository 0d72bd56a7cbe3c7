# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST: 16,000 of its 70,000 photographs, in 16 levels of grey."""

from __future__ import annotations

import gzip
import pathlib

import numpy as np

from calibration.data.builders import packages, store

PACKAGES = (
  packages.Package(
    'deb',
    'dataset-fashion-mnist',
    '0.0~git20200523.55506a9-1',
    'dataset-fashion-mnist_*.deb',
    '39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0',
  ),
)
DESCRIPTION = {
  'title': 'Fashion-MNIST: photographs of clothes, 28x28, 10 classes',
  'licence': 'MIT',
  'credit': 'Copyright 2017 Zalando SE',
  'made': 'Real photographs; grey values rounded to 16 levels.',
}
CLASSES = 10
PER_CLASS = {'train': 1_200, 'validation': 200, 'test': 200}


def build(paths: list[pathlib.Path]) -> store.Packed:
  """The first images of each class; train and validation from `train`."""
  images, labels = _original(paths[0], 'train')
  test_images, test_labels = _original(paths[0], 't10k')
  train = _by_class(labels, 0, PER_CLASS['train'])
  validation = _by_class(labels, PER_CLASS['train'], PER_CLASS['validation'])
  test = _by_class(test_labels, 0, PER_CLASS['test'])
  images = np.concatenate(
    [images[train], images[validation], test_images[test]]
  )
  return store.Packed(
    arrays={
      'pixels': _pack_nibbles(images),
      'labels': np.concatenate(
        [labels[train], labels[validation], test_labels[test]]
      ),
    },
    splits={split: n * CLASSES for split, n in PER_CLASS.items()},
    literal_bits=(4, 0, 0),
  )


def _original(path: pathlib.Path, part: str) -> tuple[np.ndarray, np.ndarray]:
  """Images (N, 28, 28) and labels (N,) of an IDX pair in the package."""
  images = packages.member(path, f'{part}-images-idx3-ubyte.gz')
  labels = packages.member(path, f'{part}-labels-idx1-ubyte.gz')
  return (
    np.frombuffer(gzip.decompress(images), np.uint8, offset=16).reshape(
      -1, 28, 28
    ),
    np.frombuffer(gzip.decompress(labels), np.uint8, offset=8),
  )


def _by_class(labels: np.ndarray, start: int, count: int) -> np.ndarray:
  """Indices start .. start + count of every class, classes taking turns."""
  return np.stack(
    [
      np.flatnonzero(labels == c)[start : start + count] for c in range(CLASSES)
    ],
    axis=1,
  ).ravel()


def _pack_nibbles(images: np.ndarray) -> np.ndarray:
  """(N, 14, 28) bytes: an even row's pixel is high, the odd row's below low."""
  levels = ((images.astype(np.uint16) + 8) // 17).astype(np.uint8)
  return levels[:, 0::2] << 4 | levels[:, 1::2]
