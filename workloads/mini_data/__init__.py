# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Small real data sets that ship with the package, as numpy arrays.

Most functions return `{'train': ..., 'validation': ..., 'test': ...}`; the
splits are fixed in the files and depend on no seed. What the data is, and
what in it is simulated or computed: `docs/mini_data.md`.
"""

from workloads.mini_data._cache import cached
from workloads.mini_data._clicks import TABLE_ROWS, Clicks, clicks
from workloads.mini_data._files import manifest
from workloads.mini_data._images import Images, images
from workloads.mini_data._molecules import (
  Molecules,
  molecule_tasks,
  molecules,
)
from workloads.mini_data._mri import (
  MRI_VERSION,
  Brain,
  MriSlices,
  mri,
  mri_slices,
)
from workloads.mini_data._speech import Speech, padded_audio, speech
from workloads.mini_data._translation import (
  Translation,
  detokenize,
  pieces,
  translation,
)

__all__ = [
  'MRI_VERSION',
  'TABLE_ROWS',
  'Brain',
  'Clicks',
  'Images',
  'Molecules',
  'MriSlices',
  'Speech',
  'Translation',
  'cached',
  'clicks',
  'detokenize',
  'images',
  'manifest',
  'molecule_tasks',
  'molecules',
  'mri',
  'mri_slices',
  'padded_audio',
  'pieces',
  'speech',
  'translation',
]
