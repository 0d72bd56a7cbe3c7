# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The builder: packages are opened and verified, files come out the same."""

import dataclasses
import gzip
import hashlib
import importlib
import io
import struct
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from calibration.data import build
from calibration.data.builders import (
  clicks,
  help_pages,
  images,
  mri,
  packages,
  store,
  translation,
)
from jaxperf import errors
from workloads.mini_data import files as files_lib


def _tar(files):
  content = io.BytesIO()
  with tarfile.open(fileobj=content, mode='w:xz') as archive:
    for name, data in files.items():
      info = tarfile.TarInfo(name)
      info.size = len(data)
      archive.addfile(info, io.BytesIO(data))
  return content.getvalue()


def _ar(files):
  """A Unix archive: 60-byte headers, members padded to even length."""
  content = b'!<arch>\n'
  for name, data in files.items():
    header = f'{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n'
    content += header.encode() + data + b'\n' * (len(data) % 2)
  return content


@pytest.mark.parametrize('name', build.NAMES)
def test_the_manifest_says_what_the_builder_says(name):
  module = importlib.import_module(f'calibration.data.builders.{name}')
  entry = files_lib.manifest()[name]
  assert entry.items() >= module.DESCRIPTION.items()
  assert entry['sources'] == [
    dataclasses.asdict(package) for package in module.PACKAGES
  ]


@pytest.mark.parametrize('kind', ['whl', 'tar.gz', 'deb'])
def test_members_of_every_kind_of_package_are_read(tmp_path, kind):
  files = {'b/two.txt': b'2', 'a/one.txt': b'1', 'a/other.bin': b'0'}
  path = tmp_path / f'package-1.0.{kind}'
  if kind == 'whl':
    with zipfile.ZipFile(path, 'w') as archive:
      for name, data in files.items():
        archive.writestr(name, data)
  elif kind == 'deb':
    parts = {
      'debian-binary': b'2.0',
      'control.tar.xz': _tar({'control': b'x'}),
      'data.tar.xz': _tar(files),
    }
    path.write_bytes(_ar(parts))
  else:
    path.write_bytes(_tar(files))
  found = [(m.path, m.content()) for m in packages.members(path, '.txt')]
  assert found == [('a/one.txt', b'1'), ('b/two.txt', b'2')]
  assert packages.member(path, 'other.bin') == b'0'
  with pytest.raises(errors.UserError, match='holds 2 files'):
    packages.member(path, '.txt')


def test_a_package_that_is_not_the_pinned_one_is_used_with_a_warning(tmp_path):
  (tmp_path / 'thing-2.0.whl').write_bytes(b'new')
  pinned = hashlib.sha256(b'old').hexdigest()
  package = packages.Package('wheel', 'thing', '1.0', 'thing-*.whl', pinned)
  with pytest.warns(UserWarning, match=r'not the pinned thing 1\.0'):
    found = packages.fetch(package, tmp_path)
  assert found == tmp_path / 'thing-2.0.whl'


def test_packing_is_repeatable_and_read_back_by_the_loader(
  tmp_path, monkeypatch
):
  packed = store.Packed(
    arrays={
      'big': np.arange(6, dtype='>u2').reshape(2, 3),
      'text': store.text(['one', 'zwölf']),
    },
    splits={'train': 1, 'validation': 1, 'test': 1},
    literal_bits=(0, 1, 1),
  )
  content = store.compress(packed)
  assert content == store.compress(packed)
  entry = store.entry('thing', packed, content)
  store.write('thing', content, entry, tmp_path)
  monkeypatch.setattr(
    files_lib, 'manifest', lambda: store.read_manifest(tmp_path)
  )
  arrays = files_lib.read('thing', tmp_path)
  np.testing.assert_array_equal(arrays['big'], [[0, 1, 2], [3, 4, 5]])
  assert files_lib.lines(arrays['text']) == ['one', 'zwölf']


def _idx_package(path):
  """A package with 1,400 + 200 tiny-valued images a class, classes mixed."""
  files = {}
  for part, per_class in (('train', 1_400), ('t10k', 200)):
    labels = np.tile(np.arange(10, dtype=np.uint8), per_class)
    pixels = np.zeros((len(labels), 28, 28), np.uint8)
    pixels[:, 0, 0] = labels * 20
    pixels[:, 1, 0] = np.arange(len(labels)) // 10 % 256
    shape = struct.pack('>3I', *pixels.shape)
    files[f'x/{part}-images-idx3-ubyte.gz'] = gzip.compress(
      struct.pack('>I', 0x803) + shape + pixels.tobytes()
    )
    files[f'x/{part}-labels-idx1-ubyte.gz'] = gzip.compress(
      struct.pack('>2I', 0x801, len(labels)) + labels.tobytes()
    )
  path.write_bytes(_ar({'data.tar.xz': _tar(files)}))
  return path


def test_images_are_the_first_of_each_class_in_two_levels_a_byte(tmp_path):
  packed = images.build([_idx_package(tmp_path / 'images.deb')])
  pixels, labels = packed.arrays['pixels'], packed.arrays['labels']
  assert pixels.shape == (16_000, 14, 28)
  np.testing.assert_array_equal(labels[:20], [*range(10), *range(10)])
  # Grey 60 is level 4 of 17, image number 17 of its class is level 1.
  assert pixels[173, 0, 0] == 4 << 4 | 1
  # The first validation image is number 1,200 (of 256: 176, level 10).
  assert pixels[12_003, 0, 0] == 4 << 4 | 10


def _nifti(value):
  """A NIfTI-1 file of one grey value but for two voxels of 2 mm."""
  shape = (197, 233, 189)
  header = bytearray(352)
  header[40:48] = struct.pack('<4h', 3, *shape)
  header[108:112] = struct.pack('<f', 352)
  voxels = np.full(shape, value, np.uint8, order='F')
  voxels[24:26, 26:28, :2] += 1  # The first corner of the brain's box.
  voxels[:24, :26] = 0
  return gzip.compress(bytes(header) + voxels.tobytes('F'), 1)


@pytest.fixture
def brain(tmp_path):
  """A package in place of nilearn's, and the arguments that build from it."""
  with zipfile.ZipFile(tmp_path / 'nilearn-0.0.whl', 'w') as archive:
    for value, name in ((10, 't1'), (20, 'gm'), (30, 'wm')):
      path = f'x/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz'
      archive.writestr(path, _nifti(value))
  out = tmp_path / 'out'
  return ['mri', f'--downloads={tmp_path}', f'--out={out}'], out


@pytest.mark.filterwarnings('ignore:.*not the pinned')
def test_the_builder_replaces_nothing_that_differs_unless_told(brain):
  arguments, out = brain
  assert build.main(arguments) == 1
  assert not out.exists()
  assert build.main([*arguments, '--accept']) == 0
  entry = store.read_manifest(out)['mri']
  content = (out / 'mri.xz').read_bytes()
  assert hashlib.sha256(content).hexdigest() == entry['sha256']
  assert entry['sources'][0]['version'] == mri.PACKAGES[0].version
  assert build.main(arguments) == 0  # It is as in the manifest now.


def test_a_brain_is_cropped_after_it_was_halved(brain):
  _, out = brain
  volumes = mri.build([out.parent / 'nilearn-0.0.whl']).arrays['volumes']
  assert volumes.shape == (3, 74, 92, 79)
  np.testing.assert_array_equal(volumes[:, 0, 0, 0], [11, 21, 31])
  np.testing.assert_array_equal(volumes[:, 1, 1, 1], [10, 20, 30])


def test_codes_count_the_sorted_values_with_missing_as_zero():
  column = pd.Series(['b', None, 'a', 'b'])
  np.testing.assert_array_equal(clicks._codes(column), [2, 0, 1, 2])
  np.testing.assert_array_equal(clicks._codes(pd.Series([9, 5, 10])), [1, 0, 2])


def test_numbers_are_standardised_with_training_rows_and_missing_is_marked():
  column = pd.Series([1.0, 3.0, 2.0, np.nan, 100.0])
  train = np.array([True, True, True, True, False])
  deviation = np.sqrt(2 / 3)
  expected = [round(-24 / deviation), round(24 / deviation), 0, -128, 127]
  np.testing.assert_array_equal(clicks._standardised(column, train), expected)


def test_halving_a_volume_rounds_the_mean_of_eight_voxels():
  volume = np.zeros((3, 2, 2), np.uint8)
  volume[0] = 5
  volume[2] = 200  # An odd last plane has no partner.
  np.testing.assert_array_equal(mri._half_size(volume), [[[2]]])


def test_a_help_page_gives_the_text_of_its_paragraphs():
  reader = help_pages._Reader()
  reader.feed(
    '<h1 id="hd_1">The <b>title</b></h1><p>no id</p><p id="par_2">Press '
    '<span id="s" class="switchinline"><span hidden="true" class="MAC"><span '
    'class="keycode">Command</span></span><span hidden="true" id="d">Ctrl'
    '</span></span>+A&nbsp;&amp;\n  see.</p>'
  )
  assert reader.paragraphs == {
    'hd_1': 'The title',
    'par_2': 'Press Ctrl+A & see.',
  }


def test_a_paragraph_is_cut_only_if_both_sides_have_as_many_sentences():
  both = list(translation._sentences('One. Two is.', 'Eins. Zwei ist.'))
  assert both == [('One.', 'Eins.'), ('Two is.', 'Zwei ist.')]
  one = list(translation._sentences('One. Two is.', 'Eins, zwei ist.'))
  assert one == [('One. Two is.', 'Eins, zwei ist.')]


@pytest.mark.parametrize(
  ('english', 'german', 'kept'),
  [
    ('Choose the menu now.', 'Wählen Sie nun das Menü.', True),
    ('Choose it.', 'Wählen Sie dies.', False),
    ('Choose the menu now', 'Wählen Sie nun das Menü', False),
    ('Set x = 1 in it.', 'Setzen Sie x = 1 darin.', False),
    ('Choose the menu now.', 'Nun.', False),
    ('LibreOffice Writer Calc Base.', 'LibreOffice Writer Calc Base.', False),
  ],
)
def test_only_translated_sentences_of_moderate_length_are_kept(
  english, german, kept
):
  assert translation._is_prose(english, german) == kept


def test_held_out_pairs_with_familiar_english_are_dropped():
  pages = {
    f'page{i}': [(f'word{i} is in the page number {i}.', 'x')]
    for i in range(300)
  }
  pages |= {
    f'same{i}': [('this is in all of the pages.', 'x')] for i in range(99)
  }
  splits = translation._split(pages)
  everywhere = ('this is in all of the pages.', 'x')
  assert everywhere in splits['train']
  assert everywhere not in splits['validation'] + splits['test']
  assert 210 < sum(pair != everywhere for pair in splits['train']) < 280
