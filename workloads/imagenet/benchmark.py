# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmark makes of the names of files: labels, and an order."""

import hashlib
import importlib.util
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from jaxperf import errors
from workloads.imagenet import archives


def labels(members: Sequence[archives.Member], split: str) -> np.ndarray:
  """The class of each image, 0 to 999, (images,) int16.

  Of training images the place of the WordNet id in the sorted list of all, of
  validation images a line of the benchmark's list for each name in order, of
  test images the number of the folder.

  Raises:
    UserError: if a class is not known.
  """
  if split == 'test':
    numbers = [int(member.label) for member in members]
  else:
    synsets = {name: i for i, name in enumerate(_lines('labels.txt'))}
    if split == 'validation':
      order = sorted(range(len(members)), key=lambda i: members[i].name)
      texts = [''] * len(members)
      for place, text in zip(order, _lines('validation_labels.txt')):
        texts[place] = text
    else:
      texts = [member.label for member in members]
    unknown = sorted(set(texts) - set(synsets))
    if unknown:
      raise errors.UserError(
        f'{unknown[0]!r} is not one of the {len(synsets):,} classes of '
        'ILSVRC2012: its archive is not the original one, so download it again'
      )
    numbers = [synsets[text] for text in texts]
  return np.array(numbers, np.int16)


def _lines(name: str) -> list[str]:
  """A list that comes with TensorFlow Datasets, which is not imported."""
  spec = importlib.util.find_spec('tensorflow_datasets')
  folders = spec.submodule_search_locations if spec else []
  for folder in folders or ():
    path = os.path.join(folder, 'datasets', 'imagenet2012', name)
    if os.path.isfile(path):
      return pathlib.Path(path).read_text('utf-8').split()
  raise errors.UserError(
    f'the labels of ImageNet come with the package tensorflow-datasets, whose '
    f"{name} is not found: pip install 'jaxperf[data]'"
  )


def order(members: Sequence[archives.Member], split: str) -> list[int]:
  """Places of the images in the benchmark's order: by a hash of their names.

  The MD5 of the split's name and the image's key, as TensorFlow Datasets
  shuffles when it writes.
  """
  salt = hashlib.md5(split.encode(), usedforsecurity=False)
  keys = []
  for member in members:
    digest = salt.copy()
    digest.update(member.name.replace('/', '_').encode())
    keys.append(digest.digest())
  return sorted(range(len(members)), key=keys.__getitem__)
