# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""ImageNet from archives to records, against the benchmark's own order.

Run as a script this file prepares: `python test_imagenet.py FOLDER WORKERS`.
"""

import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from jaxperf import errors, prepared
from jaxperf.datasets import check as check_lib
from tests import imagenet_archives
from workloads.imagenet import jpeg, prepare, records, repair

ROOT = pathlib.Path(__file__).parents[2]
EXPECTED = imagenet_archives.expected()['splits']
# Their bytes depend on the version of TensorFlow.
REPAIRED = {f'{stem}.JPEG' for stem in (*repair.CMYK, *repair.PNG)}


@pytest.fixture(scope='module')
def folder():
  return imagenet_archives.data_dir()


@pytest.mark.parametrize('split', records.SPLITS)
def test_order_labels_and_images_are_those_of_the_benchmark(folder, split):
  opened, expected = records.open_splits(folder)[split], EXPECTED[split]
  names = [opened.file_name(index) for index in range(len(opened))]
  assert names == expected['file_names']
  assert opened.labels.tolist() == expected['labels']
  reader, other = records.Reader(opened), set()
  for index, shape in enumerate(expected['jpeg_shape']):
    image = reader.read(index)
    digest = hashlib.sha256(image).hexdigest()[:16]
    if digest != expected['jpeg_sha256'][index]:
      other.add(names[index])
    height, width, grey = jpeg.shape(image)
    assert [height, width, 1 if grey else 3] == shape
  assert other <= REPAIRED


def test_the_manifest_describes_every_file(folder):
  manifest = prepared.load(folder / 'imagenet', records.VERSION)
  for split, expected in EXPECTED.items():
    assert manifest.counts[split] == len(expected['labels'])
  for file in manifest.files:
    content = (folder / 'imagenet' / file.name).read_bytes()
    assert file.bytes == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_processes_do_not_change_a_byte(folder, tmp_path):
  imagenet_archives.prepared(tmp_path, workers=2)
  assert imagenet_archives.contents(tmp_path) == (
    imagenet_archives.contents(folder)
  )
  assert 'already' in imagenet_archives.prepared(tmp_path)


def _start(folder: pathlib.Path, workers: int) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, __file__, str(folder), str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
  )


def _files(folder: pathlib.Path) -> int:
  """Tables and shards that are there."""
  return len(list(folder.glob('imagenet/*-*'))) + len(
    list(folder.glob('imagenet/*.npy'))
  )


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(2, 1)] + [pytest.param(20, n, marks=pytest.mark.slow) for n in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  folder, tmp_path, kills, workers
):
  total, rng = _files(folder), random.Random(kills)
  for files in sorted(rng.randrange(total) for _ in range(kills)):
    process = _start(tmp_path, workers)
    while _files(tmp_path) < files and process.poll() is None:
      time.sleep(0.001)
    time.sleep(rng.random() * 0.02)  # While a file is written, or renamed.
    process.send_signal(signal.SIGKILL)
    process.wait()
  assert _start(tmp_path, workers).wait() == 0
  assert imagenet_archives.contents(tmp_path) == (
    imagenet_archives.contents(folder)
  )


def test_without_the_test_images_it_is_a_part_that_goes_on(folder, tmp_path):
  imagenet_archives.prepared(tmp_path, options={'test': 'no'})
  with pytest.raises(errors.UserError, match='a part of the raw data'):
    records.open_splits(tmp_path)
  assert set(records.open_splits(tmp_path, partial=True)) == {
    'train',
    'validation',
  }
  with pytest.raises(errors.UserError, match='expected yes or no'):
    imagenet_archives.prepared(tmp_path, options={'test': 'maybe'})


def test_a_check_tells_counts_first_images_and_speed(folder):
  lines = []
  dataset = imagenet_archives.dataset()
  assert check_lib.run(dataset, folder / 'imagenet', True, lines.append)
  text = '\n'.join(lines)
  assert jpeg.DECODER in text
  assert EXPECTED['validation']['file_names'][0] in text
  assert 'images/s' in text
  count = len(EXPECTED['train']['labels'])
  assert f'train: all {count:,} images can be decoded' in text


def test_the_facts_are_the_published_ones():
  dataset = prepare.DATASET
  assert dataset.name == 'imagenet'
  assert round(dataset.raw_bytes / 1e9) == 156


if __name__ == '__main__':
  imagenet_archives.prepared(
    pathlib.Path(sys.argv[1]), workers=int(sys.argv[2])
  )
  # Nothing of the preparation needs them; they take seconds to import.
  assert not {'jax', 'tensorflow', 'tensorflow_datasets'} & set(sys.modules)
