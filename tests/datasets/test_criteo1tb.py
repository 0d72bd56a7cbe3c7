# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Click logs, from raw files to shards, against the benchmark's own rows."""

import gzip
import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxperf import errors, prepared
from tests import click_logs
from workloads.criteo1tb import features, shards

EXPECTED = click_logs.expected()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('data')
  click_logs.prepared(path)
  return path / 'criteo1tb'


@pytest.fixture(scope='module')
def manifest(folder):
  return prepared.load(folder, shards.VERSION)


def rows_of(folder, pieces):
  return shards.Reader(pieces).read(0, pieces.num_rows)


def test_hashes_are_those_of_the_benchmark():
  texts = [text for text in EXPECTED['fingerprint64'] if 8 <= len(text) <= 16]
  assert texts
  for text in texts:
    head, tail = (
      np.frombuffer(part.encode(), '<u8') for part in (text[:8], text[-8:])
    )
    hashed = features.fingerprint64(head, tail, len(text))
    assert int(hashed[0]) == int(EXPECTED['fingerprint64'][text]), text


def test_ids_are_those_of_the_benchmark():
  texts = [text for text in EXPECTED['buckets'] if len(text) == 8]
  assert texts
  for text in texts:
    word = np.frombuffer(text.encode(), '<u8')
    found = [int(features.ids(word, i)[0]) for i in range(26)]
    assert found == EXPECTED['buckets'][text], text


def test_rows_of_training_are_those_of_the_benchmark(folder, manifest):
  splits = shards.splits(folder, manifest.files)
  found, expected = rows_of(folder, splits.train), click_logs.arrays()
  inputs, wanted = found['inputs'], expected['train/inputs']
  np.testing.assert_array_equal(found['targets'], expected['train/targets'])
  np.testing.assert_array_equal(inputs[:, 13:], wanted[:, 13:])
  np.testing.assert_allclose(inputs[:, :13], wanted[:, :13], rtol=1e-6)


def test_files_and_rows_per_day_are_those_of_the_benchmark(folder, manifest):
  assert len(manifest.files) == EXPECTED['num_files']
  rows = {shards.place(f.name): f.counts['rows'] for f in manifest.files}
  names = {
    tuple(map(int, re.findall(r'\d+', name))): lines
    for name, (lines, _) in EXPECTED['files'].items()
  }
  assert rows == names
  by_day = [0] * len(EXPECTED['rows_per_day'])
  for (day, _), count in rows.items():
    by_day[day] += count
  assert by_day == EXPECTED['rows_per_day']
  assert manifest.counts == EXPECTED['rows']


def test_the_manifest_describes_every_file(folder, manifest):
  for file in manifest.files:
    content = (folder / file.name).read_bytes()
    assert file.bytes == len(content) == 128 + 160 * file.counts['rows']
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert np.load(folder / file.name).shape == (file.counts['rows'], 40)
  assert manifest.parameters['vocab_sizes'] == list(features.VOCAB_SIZES)


@pytest.mark.parametrize('suffix', ['', '.csv', '.tsv', 'parts'])
def test_all_raw_forms_give_the_same_bytes(folder, tmp_path, suffix):
  if suffix == 'parts':
    raw = click_logs.split(tmp_path / 'raw', EXPECTED['lines_per_file'])
  else:
    raw = click_logs.unpacked(tmp_path / 'raw', suffix)
  click_logs.prepared(tmp_path, raw)
  assert click_logs.contents(tmp_path / 'criteo1tb') == (
    click_logs.contents(folder)
  )


def test_processes_and_blocks_do_not_change_a_byte(folder, tmp_path):
  click_logs.prepared(tmp_path, workers=3)
  assert click_logs.contents(tmp_path / 'criteo1tb') == (
    click_logs.contents(folder)
  )
  text = gzip.decompress((click_logs.RAW / 'day_23.gz').read_bytes())
  lines = text.splitlines(keepends=True)
  single = np.concatenate([features.parse(line) for line in lines])
  np.testing.assert_array_equal(single, features.parse(text))


def test_integers_of_any_length_are_read():
  values = [0, 7, 12345678, 123456789, 2**31, 10**17, 16_777_217]
  for value in values:
    line = b'0' + b'\t%d' % value * 13 + b'\tffffffff' * 26 + b'\n'
    wanted = np.log(np.float64(np.float32(value) + np.float32(1)))
    row = features.parse(line)[0]
    np.testing.assert_array_equal(row[1:14], np.float32(wanted))
  for missing in (b'', b'-1', b'-2147483648'):
    line = b'' + (b'\t' + missing) * 13 + b'\t-1' * 26 + b'\n'
    assert (features.parse(line)[0, :14] == 0).all()


def test_lines_are_read_right_or_refused_whatever_is_changed():
  text = gzip.decompress((click_logs.RAW / 'day_23.gz').read_bytes())
  lines = text.splitlines(keepends=True)[:20]
  block, rng = b''.join(lines), np.random.default_rng(0)
  bytes_ = np.frombuffer(b'\t\n\r -+.0159afgAF\xff\x00', np.uint8)
  refused = 0
  for _ in range(500):
    changed = np.frombuffer(block, np.uint8).copy()
    where = rng.integers(len(changed), size=rng.integers(1, 3))
    changed[where] = rng.choice(bytes_, len(where))
    changed[-1] = ord('\n')
    changed = changed.tobytes()
    bad = [
      index
      for index, line in enumerate(changed.split(b'\n')[:-1])
      if not PATTERN.fullmatch(line)
    ]
    refused += bool(bad)
    if bad:
      with pytest.raises(features.BadLine) as caught:
        features.parse(changed)
      assert caught.value.line == bad[0]
    else:
      np.testing.assert_array_equal(features.parse(changed), slow(changed))
  assert 50 < refused < 450


PATTERN = re.compile(
  rb'(0|1|-1|)(\t(-?[0-9]{1,18}|)){13}(\t([0-9a-f]{8}|-1|)){26}'
)


def slow(block):
  """Rows of whole lines, field by field."""
  rows = []
  for line in block.split(b'\n')[:-1]:
    fields = [b'' if f == b'-1' else f for f in line.split(b'\t')]
    numbers = [max(int(f or b'0'), 0) for f in fields[:14]]
    dense = np.log(np.float64(np.float32(numbers[1:]) + np.float32(1)))
    ids = [
      int(features.ids(np.frombuffer(text or b'0' * 8, '<u8'), index)[0])
      for index, text in enumerate(fields[14:])
    ]
    rows.append([numbers[0], *dense, *ids])
  return np.array(rows, np.float64).astype(np.float32)


def test_a_part_goes_on_to_the_whole(folder, tmp_path):
  text = click_logs.prepared(tmp_path, options={'days': '0,23'})
  assert f'{EXPECTED["rows"]["test"]:,} test' in text
  with pytest.raises(errors.UserError, match='a part of the raw'):
    prepared.load(tmp_path / 'criteo1tb', shards.VERSION)
  opened = shards.open_splits(tmp_path, partial=True)
  assert opened.train.num_rows == EXPECTED['rows_per_day'][0]
  click_logs.prepared(tmp_path)
  assert click_logs.contents(tmp_path / 'criteo1tb') == (
    click_logs.contents(folder)
  )
  assert 'already' in click_logs.prepared(tmp_path)


def test_preparing_in_processes_needs_no_jax():
  script = 'import sys; from workloads.criteo1tb import prepare; '
  script += 'print([m for m in ("jax", "pandas", "flax") if m in sys.modules])'
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert json.loads(out.stdout) == []
