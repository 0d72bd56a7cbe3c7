# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad archives and bad prepared images: each is told in one sentence."""

import io
import json
import shutil
import tarfile

import pytest

from jaxperf import errors
from jaxperf.datasets import check as check_lib
from jaxperf.datasets import prepare as prepare_lib
from tests import imagenet_archives
from workloads.imagenet import archives, benchmark, records, repair

NAMES = {split: archive.name for split, archive in archives.PUBLISHED.items()}
TRAIN = imagenet_archives.expected()['splits']['train']


@pytest.fixture
def raw(tmp_path):
  """A copy of the archives to spoil."""
  return shutil.copytree(imagenet_archives.RAW, tmp_path / 'raw')


@pytest.fixture
def data(tmp_path):
  """A copy of the prepared data to spoil."""
  return shutil.copytree(imagenet_archives.data_dir(), tmp_path / 'data')


def refused(raw, to, dataset=None, **options):
  """The sentence with which the preparation is refused."""
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(dataset or imagenet_archives.dataset(), raw, to, **options)
  sentence = str(caught.value)
  assert '\n' not in sentence
  assert not list(to.glob('**/*.part'))
  assert not (to / 'imagenet' / 'manifest.json').exists()
  return sentence


def members(path):
  """Names and contents of the files in an archive."""
  with tarfile.open(path) as tar:
    infos = [info for info in tar if info.isfile()]
    return {info.name: tar.extractfile(info).read() for info in infos}


def packed(contents):
  """The archive of some files."""
  file = io.BytesIO()
  with tarfile.open(fileobj=file, mode='w') as tar:
    for name, content in contents.items():
      info = tarfile.TarInfo(name)
      info.size = len(content)
      tar.addfile(info, io.BytesIO(content))
  return file.getvalue()


def rewrite(raw, split, change):
  """Changes the files of an archive, a dict of name and content."""
  path = raw / NAMES[split]
  contents = members(path)
  change(contents)
  path.write_bytes(packed(contents))


@pytest.mark.parametrize('split', records.SPLITS)
def test_a_truncated_archive_is_refused_before_any_work(raw, tmp_path, split):
  path = raw / NAMES[split]
  content = path.read_bytes()
  path.write_bytes(content[:-1])
  sentence = refused(raw, tmp_path / 'to')
  assert f'{path} has {len(content) - 1:,} bytes' in sentence
  assert f'expected {len(content):,}' in sentence
  assert not (tmp_path / 'to').exists()


@pytest.mark.parametrize(('split', 'workers'), [('train', 1), ('test', 2)])
def test_a_changed_archive_is_found_by_its_hash(raw, tmp_path, split, workers):
  path = raw / NAMES[split]
  content = bytearray(path.read_bytes())
  place = len(content) // 2
  if split == 'test':
    place = 4  # The time in the header of gzip.
  else:
    place = content.index(b'\xff\xd9', place) - 1
  content[place] ^= 1
  path.write_bytes(content)
  sentence = refused(raw, tmp_path / 'to', workers=workers)
  assert f'{path} has the SHA-256' in sentence
  assert 'download it again' in sentence
  assert not (tmp_path / 'to' / 'imagenet' / f'{split}.npy').exists()


def test_an_archive_that_cannot_be_read_to_the_end_is_named(raw, tmp_path):
  path = raw / NAMES['validation']
  path.write_bytes(path.read_bytes()[:10_000])
  dataset = imagenet_archives.dataset(raw)
  sentence = refused(raw, tmp_path / 'to', dataset)
  assert f'{path} is damaged after' in sentence


def test_too_few_validation_images_would_shift_the_labels(raw, tmp_path):
  rewrite(raw, 'validation', lambda contents: contents.popitem())
  sentence = refused(raw, tmp_path / 'to', imagenet_archives.dataset(raw))
  images = len(imagenet_archives.expected()['splits']['validation']['labels'])
  assert f'has {images - 1} images, expected {images}' in sentence
  assert 'labels of all images after a missing one would shift' in sentence


def test_unpacked_archives_are_refused(raw, tmp_path):
  (raw / NAMES['train']).unlink()
  (raw / 'ILSVRC2012_img_train' / 'n01531178').mkdir(parents=True)
  sentence = refused(raw, tmp_path / 'to')
  assert 'the original tar files are needed' in sentence
  assert 'folder ILSVRC2012_img_train' in sentence


@pytest.mark.parametrize(
  ('split', 'other'),
  [
    ('train', 'ILSVRC2012_img_train_t3.tar'),
    ('validation', 'ILSVRC2012_bbox_val_v3.tgz'),
    ('test', 'imagenetv2-threshold0.7.tar.gz'),
    ('test', 'imagenetv2-top-images.tar.gz'),
  ],
)
def test_other_archives_do_not_take_the_place(raw, tmp_path, split, other):
  (raw / NAMES[split]).rename(raw / other)
  sentence = refused(raw, tmp_path / 'to')
  assert f'lacks {NAMES[split]}' in sentence
  assert f'{other} cannot take its place' in sentence


def test_another_variant_under_the_right_name_is_found(raw, tmp_path):
  def change(contents):
    for name in list(contents):
      other = name.replace('matched-frequency', 'threshold0.7')
      contents[other] = contents.pop(name)

  rewrite(raw, 'test', change)
  sentence = refused(raw, tmp_path / 'to', imagenet_archives.dataset(raw))
  assert 'the variant matched-frequency of ImageNet-v2 is needed' in sentence


@pytest.mark.parametrize('kind', ['ink', 'png', 'text'])
def test_an_image_of_another_kind_is_named(raw, tmp_path, kind):
  inner = members(raw / NAMES['train'])
  found = {k: v for tar in inner for k, v in _unpacked(inner[tar]).items()}
  known = repair.PNG if kind == 'png' else repair.CMYK
  spoilt = next(v for k, v in found.items() if k.split('.')[0] in known)
  if kind == 'text':
    spoilt = b'no image at all'

  def change(contents):
    tar = sorted(contents)[0]
    name = f'{tar.removesuffix(".tar")}_1.JPEG'
    first = _unpacked(contents[tar])
    first.popitem()
    contents[tar] = packed(first | {name: spoilt})
    names.append(name)

  names = []
  rewrite(raw, 'train', change)
  sentence = refused(raw, tmp_path / 'to', imagenet_archives.dataset(raw))
  assert f'{NAMES["train"]}: {names[0]} is ' in sentence
  assert ('CMYK' if kind == 'ink' else 'not a JPEG') in sentence
  assert 'not the original one' in sentence


def _unpacked(content):
  with tarfile.open(fileobj=io.BytesIO(content)) as tar:
    return {info.name: tar.extractfile(info).read() for info in tar}


def test_an_unknown_class_is_named(raw, tmp_path):
  def change(contents):
    content = next(iter(_unpacked(contents.popitem()[1]).values()))
    contents['n99999999.tar'] = packed({'n99999999_1.JPEG': content})

  rewrite(raw, 'train', change)
  dataset = imagenet_archives.dataset(raw)
  published = imagenet_archives.published(raw)
  count = sum(
    len(_unpacked(content))
    for content in members(raw / NAMES['train']).values()
  )
  train = published['train']._replace(images=count)
  dataset = imagenet_archives.dataset(raw, train=train._asdict())
  sentence = refused(raw, tmp_path / 'to', dataset)
  assert "'n99999999' is not one of the 1,000 classes" in sentence


def checked(data, deep=False):
  lines = []
  dataset = imagenet_archives.dataset()
  fine = check_lib.run(dataset, data / 'imagenet', deep, lines.append)
  return fine, [line for line in lines if line.startswith('BAD')]


def test_a_damaged_shard_is_named_and_made_again(data):
  shard = data / 'imagenet' / records.shard_name('train', 1)
  whole = shard.read_bytes()
  content = bytearray(whole)
  content[len(content) // 2] ^= 0xFF
  shard.write_bytes(content)
  split = records.open_splits(data)['train']
  reader = records.Reader(split)
  with pytest.raises(errors.UserError) as caught:
    list(map(reader.read, range(len(split))))
  assert f'{shard} cannot be read at image' in str(caught.value)
  assert '`jaxperf data check imagenet --deep`' in str(caught.value)
  assert '\n' not in str(caught.value)
  fine, bad = checked(data, deep=True)
  assert not fine
  assert f'{shard} is damaged' in bad[0]
  shard.unlink()
  with pytest.raises(errors.UserError, match=f'{shard} is missing'):
    records.open_splits(data)
  imagenet_archives.prepared(data)
  assert shard.read_bytes() == whole
  assert checked(data, deep=True) == (True, [])


def test_wrong_counts_are_told(data):
  path = data / 'imagenet' / 'manifest.json'
  content = json.loads(path.read_text())
  content['counts']['validation'] += 1
  path.write_text(json.dumps(content))
  fine, bad = checked(data)
  assert not fine
  assert 'validation: ' in bad[0]
  for file in content['files']:
    if file['name'] == records.shard_name('train', 0):
      file['counts']['images'] -= 1
  path.write_text(json.dumps(content))
  with pytest.raises(errors.UserError, match='its shards'):
    records.open_splits(data)


def test_a_missing_list_of_labels_is_told_with_its_extra(monkeypatch):
  monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
  member = archives.Member(TRAIN['file_names'][0], 'n01531178', 0, 1)
  with pytest.raises(errors.UserError, match=r"pip install 'jaxperf\[data\]'"):
    benchmark.labels([member], 'train')
