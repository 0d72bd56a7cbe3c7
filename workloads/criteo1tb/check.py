# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared click logs should hold."""

import pathlib
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from workloads.criteo1tb import features, shards

_SAMPLE = 1_000  # Rows of a shard.
_CLICKS = 0.01, 0.1
_BATCH, _SEED = 262_144, 0


class Published(NamedTuple):
  """Counts of the original data.

  Attributes:
    lines_per_file: lines of a text file, and rows of a shard; the split of the
      last day depends on it.
    rows_per_day: of the 24 days.
  """

  lines_per_file: int
  rows_per_day: tuple[int, ...]


PUBLISHED = Published(
  5_000_000,
  (
    *(195_841_983, 199_563_535, 196_792_019, 181_115_208, 152_115_810),
    *(172_548_507, 204_846_845, 200_801_003, 193_772_492, 198_424_372),
    *(185_778_055, 153_588_700, 169_003_364, 194_216_520, 194_081_279),
    *(187_154_596, 177_984_934, 163_382_602, 142_061_091, 156_534_237),
    *(193_627_464, 192_215_183, 189_747_893, 178_274_637),
  ),
)


def counts(splits: shards.Splits) -> dict[str, int]:
  """Rows of each split."""
  return {
    'train': splits.train.num_rows,
    'validation': splits.validation.num_rows,
    'test': splits.test.num_rows,
  }


def findings(
  published: Published,
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, headers, a sample and the first batch; see `Dataset.check`.

  Nothing more if `deep`: hashes tell all that there is to tell of shards.
  """
  splits = shards.splits(folder, manifest.files)
  original = manifest.parameters['lines_per_file'] == published.lines_per_file
  yield from _days(published, manifest, original)
  rows = ', '.join(f'{n:,} {name}' for name, n in counts(splits).items())
  yield counts(splits) == manifest.counts, f'rows: {rows}'
  wrong = [file.name for file in manifest.files if not _fits(folder, file)]
  yield from ((False, f'{name}: not float32 (rows, 40)') for name in wrong)
  if not wrong:
    yield from _sample(folder, manifest, original)
  if splits.train.num_rows and not wrong:
    yield _first_batch(splits)
  if not wrong:
    yield from _first_evaluated(splits)


def _days(published, manifest, original) -> Iterator[tuple[bool, str]]:
  """Compares the rows of each day."""
  found: dict[int, int] = {}
  for file in manifest.files:
    day, _ = shards.place(file.name)
    found[day] = found.get(day, 0) + file.counts['rows']
  if not original:
    yield (
      True,
      f'days: {len(found)}; not the original {published.lines_per_file:,} '
      'lines a file, so counts are compared with nothing',
    )
    return
  for day, rows in found.items():
    if rows != published.rows_per_day[day]:
      yield (
        False,
        f'day {day}: {rows:,} rows, expected {published.rows_per_day[day]:,}',
      )
  whole = len(found) == len(published.rows_per_day)
  yield whole or manifest.partial, f'days: {len(found)}'


def _fits(folder: pathlib.Path, file: prepared.File) -> bool:
  """Whether a shard is what the manifest says."""
  try:
    rows = np.load(folder / file.name, mmap_mode='r')
  except (OSError, ValueError):
    return False
  return rows.dtype == np.float32 and rows.shape == (
    file.counts['rows'],
    features.NUM_FIELDS,
  )


def _sample(folder, manifest, original) -> Iterator[tuple[bool, str]]:
  """Looks at the first rows of every shard."""
  rows = np.concatenate(
    [
      np.load(folder / file.name, mmap_mode='r')[:_SAMPLE]
      for file in manifest.files
    ]
  )
  labels, dense, ids = np.split(rows, [1, 1 + features.NUM_DENSE], axis=1)
  rate = float(labels.mean())
  yield (
    bool(np.isin(labels, (0, 1)).all()),
    f'sample: {len(rows):,} rows, labels 0 and 1',
  )
  likely = _CLICKS[0] <= rate <= _CLICKS[1]
  yield likely or not original, f'sample: {100 * rate:.2f} % clicks'
  yield bool((dense >= 0).all()), 'sample: dense features not negative'
  # Rounding to float32 may go above the last id.
  top = np.array(features.VOCAB_SIZES, np.float32) + 2
  whole = (ids == np.floor(ids)) & (ids >= 0) & (ids <= top)
  yield bool(whole.all()), 'sample: ids whole and within the vocabularies'


def _first_batch(splits: shards.Splits) -> tuple[bool, str]:
  """Reads the first training batch, as training does."""
  from workloads.criteo1tb import data  # Needs JAX.

  size = min(_BATCH, splits.train.num_rows)
  began = time.perf_counter()
  batch, _ = next(data.training(splits, _SEED, size, 0, None))
  seconds = time.perf_counter() - began
  order = data.file_order(splits, _SEED, 0)
  path, row, _ = splits.train.reordered(order).between(0, 1)[0]
  return (
    bool(np.isfinite(batch['inputs']).all()),
    f'first training batch of seed {_SEED}: {path.name} from row {row}, inputs '
    f'{batch["inputs"].shape}, {seconds:.3f} s, {size / seconds:,.0f} rows/s',
  )


def _first_evaluated(splits: shards.Splits) -> Iterator[tuple[bool, str]]:
  """Reads the first batch of each evaluation."""
  from workloads.criteo1tb import data  # Needs JAX.

  for split in ('validation', 'test'):
    if not (count := splits.evaluated(split).num_rows):
      continue
    size = min(_BATCH, count)
    batch = next(data.evaluation_batches(splits, split, size, None))
    inputs, clicks = batch['inputs'], batch['targets']
    dense = inputs[:, : features.NUM_DENSE].mean()
    yield (
      bool(np.isfinite(inputs).all()),
      f'first {split} batch: inputs {inputs.shape}, mean of the dense '
      f'{dense:.4f}, {100 * clicks.mean():.2f} % clicks',
    )
