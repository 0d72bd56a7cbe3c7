# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""ImageNet from folders that builders of TensorFlow Datasets have made."""

import io
import json
import pathlib
import shutil
import struct

import google_crc32c
import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python import array_record_module

from jaxperf import errors, prepared
from jaxperf.datasets import prepare as prepare_lib
from tests import imagenet_archives
from workloads.imagenet import records

BUILDERS = {
  'imagenet2012/5.1.0': ('train', 'validation'),
  'imagenet_v2/matched-frequency/3.0.0': ('test',),
}
EXPECTED = imagenet_archives.expected()['splits']


def examples():
  """Examples of the miniature as a builder gives them, by split and key."""
  opened = records.open_splits(imagenet_archives.data_dir())
  found = {}
  for split, facts in EXPECTED.items():
    reader = records.Reader(opened[split])
    found[split] = {
      name.replace('/', '_'): {
        'image': io.BytesIO(reader.read(i)),
        'label': facts['labels'][i],
        'file_name': name,
      }
      for i, name in enumerate(facts['file_names'])
    }
  return found


def write(folder: pathlib.Path, found) -> None:
  """The folders that TensorFlow Datasets writes, of array records."""
  for dataset, splits in BUILDERS.items():
    _builder(folder, dataset, {split: found[split] for split in splits})


def _builder(folder: pathlib.Path, dataset: str, splits) -> None:
  """Runs a builder; which shuffles what it is given."""
  name_, *config, version = dataset.split('/')

  class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    name = name_
    VERSION = tfds.core.Version(version)
    BUILDER_CONFIGS = tuple(
      tfds.core.BuilderConfig(name=part) for part in config
    )

    def _info(self):
      features = {
        'image': tfds.features.Image(encoding_format='jpeg'),
        'label': tfds.features.ClassLabel(num_classes=1000),
        'file_name': tfds.features.Text(),
      }
      return self.dataset_info_from_configs(
        features=tfds.features.FeaturesDict(features)
      )

    def _split_generators(self, dl_manager):
      return {
        split: self._generate_examples(sorted(content.items()))
        for split, content in splits.items()
      }

    def _generate_examples(self, items):
      yield from items

  Builder(data_dir=folder, file_format='array_record').download_and_prepare()


def as_tfrecords(folder: pathlib.Path) -> None:
  """Turns array records into the TFRecord files that they would have been."""
  info = folder / 'dataset_info.json'
  info.write_text(info.read_text().replace('array_record', 'tfrecord'))
  for path in folder.glob('*.array_record-*'):
    reader = array_record_module.ArrayRecordReader(str(path))
    other = path.with_name(path.name.replace('array_record', 'tfrecord'))
    with other.open('wb') as file:
      for content in reader.read(list(range(reader.num_records()))):
        length = struct.pack('<Q', len(content))
        file.write(length + _checksum(length) + content + _checksum(content))
    path.unlink()


def _checksum(content: bytes) -> bytes:
  crc = google_crc32c.value(content)
  rotated = (crc >> 15) | (crc & 0x7FFF) << 17
  return np.uint32((rotated + 0xA282EAD8) % 2**32).tobytes()


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
  """An installation of TFRecord files and nothing else."""
  folder = tmp_path_factory.mktemp('installed')
  write(folder, examples())
  for dataset in BUILDERS:
    as_tfrecords(folder / dataset)
  return folder


@pytest.fixture
def raw(installed, tmp_path):
  """A copy, to spoil."""
  return shutil.copytree(installed, tmp_path / 'raw')


def run(raw: pathlib.Path, to: pathlib.Path, **options) -> str:
  """Prepares, as if the miniature archives were the published ones."""
  return prepare_lib.run(imagenet_archives.dataset(), raw, to, **options)


def same(one: pathlib.Path, other: pathlib.Path) -> bool:
  return imagenet_archives.contents(one) == imagenet_archives.contents(other)


def test_records_are_those_of_the_archives(installed, tmp_path):
  run(installed, tmp_path)
  found = records.open_splits(tmp_path)
  expected = records.open_splits(imagenet_archives.data_dir())
  for split, facts in EXPECTED.items():
    assert found[split].labels.tolist() == facts['labels']
    readers = [records.Reader(opened[split]) for opened in (found, expected)]
    for i, name in enumerate(facts['file_names']):
      assert found[split].file_name(i) == name
      assert readers[0].read(i) == readers[1].read(i)


def test_array_records_in_a_folder_below_are_read(installed, tmp_path):
  write(tmp_path / 'data' / 'jax', examples())
  run(tmp_path / 'data', tmp_path / 'one')
  run(installed, tmp_path / 'other')
  assert same(tmp_path / 'one', tmp_path / 'other')


def test_an_archive_may_stand_in_for_a_folder(raw, tmp_path):
  name = 'imagenetv2-matched-frequency.tar.gz'
  shutil.copy(imagenet_archives.RAW / name, raw / name)
  shutil.rmtree(raw / 'imagenet_v2')
  run(raw, tmp_path)
  manifest = prepared.load(tmp_path / 'imagenet', records.VERSION)
  origins = manifest.parameters['archives']
  assert origins['train']['builder'] == 'imagenet2012:5.1.0'
  assert origins['test']['name'] == name


def refused(raw: pathlib.Path, to: pathlib.Path) -> str:
  with pytest.raises(errors.UserError) as caught:
    run(raw, to)
  assert '\n' not in str(caught.value)
  with pytest.raises(errors.UserError):
    records.open_splits(to)
  return str(caught.value)


def test_a_folder_without_the_test_images_is_refused(raw, tmp_path):
  shutil.rmtree(raw / 'imagenet_v2')
  assert 'lacks imagenetv2-matched-frequency.tar.gz' in refused(raw, tmp_path)


def test_another_number_of_images_is_refused(raw, tmp_path):
  path = raw / 'imagenet2012' / '5.1.0' / 'dataset_info.json'
  info = json.loads(path.read_text())
  (split,) = [s for s in info['splits'] if s['name'] == 'validation']
  count = len(EXPECTED['validation']['labels'])
  split['shardLengths'] = [str(count - 1)]
  path.write_text(json.dumps(info))
  sentence = refused(raw, tmp_path)
  assert f'has {count - 1} validation images, expected {count}' in sentence
  assert 'ILSVRC2012_img_val.tar' in sentence


def test_other_labels_are_refused(tmp_path):
  found, facts = examples(), EXPECTED['validation']
  name, label = facts['file_names'][3], facts['labels'][3]
  other = (label + 1) % 1000
  found['validation'][name]['label'] = other
  write(tmp_path / 'raw', found)
  sentence = refused(tmp_path / 'raw', tmp_path)
  assert f'labels {name} as {other}, expected {label}' in sentence


def test_another_order_is_refused(tmp_path):
  found = examples()
  found['train'] = {f'x{key}': one for key, one in found['train'].items()}
  write(tmp_path / 'raw', found)
  sentence = refused(tmp_path / 'raw', tmp_path)
  assert 'the train images in another order' in sentence


def test_a_damaged_record_is_refused(raw, tmp_path):
  (path,) = (raw / 'imagenet2012' / '5.1.0').glob('*validation.tfrecord*')
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  assert f'{path} is damaged in record' in refused(raw, tmp_path)


def test_an_interrupted_preparation_goes_on_to_the_same_bytes(
  installed, tmp_path, monkeypatch
):
  run(installed, tmp_path / 'whole')
  write_, written = records.write, []

  def write_or_stop(path, images):
    written.append(path)
    if len(written) == 3:
      next(iter(images))
      raise KeyboardInterrupt
    return write_(path, images)

  monkeypatch.setattr(records, 'write', write_or_stop)
  with pytest.raises(KeyboardInterrupt):
    run(installed, tmp_path / 'cut')
  run(installed, tmp_path / 'cut')
  assert same(tmp_path / 'cut', tmp_path / 'whole')
