# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature speech: raw files, what is expected of them, prepared ones.

As a script it prepares them in small shards: `python -m tests.speech_files RAW
TO WORKERS`.
"""

import functools
import hashlib
import io
import itertools
import json
import pathlib
import random
import sys
import tarfile

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.librispeech import archives, check, prepare, utterances

FOLDER = reference.FOLDER / 'data' / 'librispeech'
RAW = FOLDER / 'raw'
TOKENIZER = FOLDER / 'spm_model.vocab'
SPLITS = {'train': 'eval_train', 'validation': 'validation', 'test': 'test'}
SHARD = 2  # Raw utterances, so that there are several of them.


@functools.cache
def expected() -> dict:
  """Counts, drops, hashes of the tokenizer."""
  return json.loads((FOLDER / 'expected.json').read_text())


@functools.cache
def batches() -> dict[str, np.ndarray]:
  """The benchmark's own batches."""
  with np.load(FOLDER / 'batches.npz') as file:
    return dict(file)


def ids(split: str) -> list[str]:
  """Subset and id of the utterances of a split, in order."""
  return batches()[f'{SPLITS[split]}_ids'].tolist()


def expected_batches(split: str) -> list[list[np.ndarray]]:
  """Audio, its paddings, labels, their paddings, of each batch of a split."""
  names = ('audio', 'audio_paddings', 'targets', 'target_paddings')
  keys = [f'{SPLITS[split]}_{{}}_{name}' for name in names]
  numbers = itertools.takewhile(
    lambda i: keys[0].format(i) in batches(), itertools.count()
  )
  return [[batches()[key.format(i)] for key in keys] for i in numbers]


def dataset(packed: pathlib.Path | None = None, **changes):
  """The data set with the counts of the miniature.

  Args:
    packed: folder of its archives, whose sizes and hashes are expected.
    changes: to what is published.
  """
  published = {}
  for subset, row in expected()['subsets'].items():
    path = packed / f'{subset}.tar.gz' if packed else None
    content = path.read_bytes() if path and path.is_file() else b''
    sha256 = hashlib.sha256(content).hexdigest()
    published[subset] = archives.Archive(len(content), sha256, row['raw'])
  kept = {
    split: sum(expected()['subsets'][name]['kept'] for name in names)
    for split, names in utterances.SUBSETS.items()
  }
  made = check.Published(published, kept, expected()['tokenizer']['vocab_size'])
  return prepare.dataset(made._replace(**{'shard': SHARD} | changes))


def prepared(
  to: pathlib.Path, raw=RAW, made=None, workers: int = 1, **options
) -> str:
  """Prepares the miniature in a folder, with its tokenizer if none is named."""
  if not (raw / TOKENIZER.name).exists():
    options = {'tokenizer': str(TOKENIZER)} | options
  options = {key: value for key, value in options.items() if value is not None}
  return prepare_lib.run(made or dataset(), raw, to, workers, options)


def refused(to: pathlib.Path, raw=RAW, made=None, **options) -> str:
  """The sentence with which the preparation is refused."""
  with pytest.raises(errors.UserError) as caught:
    prepared(to, raw, made, **options)
  sentence = str(caught.value)
  assert '\n' not in sentence
  assert not list(to.glob('**/*.part'))
  assert not (to / 'librispeech' / 'manifest.json').exists()
  return sentence


def packed(folder: pathlib.Path, raw=RAW, seed: int = 0) -> pathlib.Path:
  """Archives of the raw files in an order of their own, and what is beside."""
  folder.mkdir(parents=True, exist_ok=True)
  for subset in expected()['subsets']:
    source = raw / 'LibriSpeech' / subset
    paths = [path for path in sorted(source.rglob('*')) if path.is_file()]
    random.Random(seed).shuffle(paths)
    with tarfile.open(folder / f'{subset}.tar.gz', 'w:gz') as tar:
      about = tarfile.TarInfo('LibriSpeech/README.TXT')
      about.size = 4
      tar.addfile(about, io.BytesIO(b'text'))
      for path in paths:
        tar.add(path, path.relative_to(raw).as_posix())
  return folder


def installed(folder: pathlib.Path) -> pathlib.Path:
  """What an AlgoPerf installation has prepared."""
  with tarfile.open(FOLDER / 'prepared.tar.gz') as tar:
    tar.extractall(folder, filter='data')
  return folder


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of the prepared data, journals left out."""
  paths = (path for path in folder.rglob('*') if path.is_file())
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in paths
    if path.parent.name != 'journals'
  }


def flac(raw: pathlib.Path) -> pathlib.Path:
  """The flac file of the first utterance of training."""
  subset, _, key = ids('train')[0].partition('/')
  speaker, chapter, _ = key.split('-')
  return raw / 'LibriSpeech' / subset / speaker / chapter / f'{key}.flac'


def transcript(raw: pathlib.Path) -> pathlib.Path:
  """The transcript beside that flac file."""
  (path,) = flac(raw).parent.glob('*.trans.txt')
  return path


if __name__ == '__main__':
  here = pathlib.Path(sys.argv[1])
  prepared(
    pathlib.Path(sys.argv[2]), here, dataset(here), workers=int(sys.argv[3])
  )
