# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature sentence pairs: raw files, what is expected, prepared ones.

As a script it prepares them: `python -m tests.sentence_pairs RAW TO WORKERS`.
"""

import functools
import json
import pathlib
import sys

import numpy as np
import pytest
from sentencepiece import sentencepiece_model_pb2

from jaxperf import errors
from jaxperf.datasets import archives
from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.wmt import check, packing, prepare, texts

FOLDER = reference.FOLDER / 'data' / 'wmt'
RAW, BUILT = FOLDER / 'raw', FOLDER / 'tfds'
MODEL = FOLDER / 'wmt_sentencepiece_model'
SPLITS = ('train', 'validation', 'test')


@functools.cache
def expected() -> dict:
  """Counts and hashes."""
  return json.loads((FOLDER / 'expected.json').read_text())


@functools.cache
def arrays() -> dict[str, np.ndarray]:
  """Texts, ids and batches."""
  with np.load(FOLDER / 'outputs.npz') as file:
    return dict(file)


def pairs(name: str) -> packing.Pairs:
  """Pairs of a split, or made-up ones `case_NAME`, unfiltered."""
  return packing.Pairs(
    *(
      packing.side(
        arrays()[f'{name}_{side}_ids'], arrays()[f'{name}_{side}_lengths']
      )
      for side in packing.SIDES
    )
  )


def sentences(split: str) -> list[texts.Pair]:
  """Pairs of text in stored order."""
  columns = (
    [text.decode() for text in arrays()[f'{split}_{side}_text'].tolist()]
    for side in packing.SIDES
  )
  return list(zip(*columns))


def published() -> check.Published:
  """Archives and counts of the miniature."""
  manifest = json.loads((RAW / 'manifest.json').read_text())
  files = expected()['files']
  return check.Published(
    archives=tuple(
      archives.Archive(name, row['bytes'], row['sha256'])
      for name, row in manifest.items()
    ),
    pairs={split: expected()['splits'][split]['pairs'] for split in SPLITS},
    made={
      name: sum(files[name.partition('_')[0]].values())
      for name in (texts.WMT17, texts.WMT14)
    },
    train_files=1,
    vocabulary=expected()['tokenizer']['vocab_size'],
    corpus_bytes=expected()['tokenizer']['max_corpus_chars'],
    shard_pairs=100,
    most_dropped=1.0,
  )


def dataset(**changes):
  """The data set of the miniature.

  Args:
    changes: to what is published.
  """
  return prepare.dataset(published()._replace(**changes))


def prepared(
  to: pathlib.Path, raw: pathlib.Path = RAW, workers: int = 1, **options
) -> str:
  """Prepares the miniature in a folder."""
  return prepare_lib.run(dataset(), raw, to, workers, options)


def prepared_wide(to: pathlib.Path) -> str:
  """Prepares it for models of the true vocabulary."""
  vocabulary = check.PUBLISHED.vocabulary
  to.mkdir(exist_ok=True)
  options = {'tokenizer': str(widened(to / 'tokenizer', vocabulary))}
  made = dataset(vocabulary=vocabulary)
  return prepare_lib.run(made, RAW, to, workers=1, options=options)


def widened(path: pathlib.Path, vocabulary: int) -> pathlib.Path:
  """Writes the tokenizer with more pieces, which no text has."""
  model = sentencepiece_model_pb2.ModelProto()
  model.ParseFromString(MODEL.read_bytes())
  for number in range(len(model.pieces), vocabulary):
    model.pieces.add(piece=f'\ue000{number}', score=-1e3)
  path.write_bytes(model.SerializeToString())
  return path


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of a prepared data set, journals left out."""
  paths = (path for path in folder.rglob('*') if path.is_file())
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in paths
    if path.parent.name != 'journals'
  }


def refused(to, raw=RAW, workers=1, options=None, **changes) -> str:
  """The sentence with which the preparation is refused."""
  made = dataset(**changes)
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(made, raw, to, workers, options)
  sentence = str(caught.value)
  assert '\n' not in sentence
  assert not list(to.glob('**/*.part'))
  assert not (to / 'wmt' / 'manifest.json').exists()
  return sentence


if __name__ == '__main__':
  prepared(
    pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[1]), int(sys.argv[3])
  )
  names = [name for name in ('jax', 'tensorflow') if name in sys.modules]
  print(f'imported of jax, tensorflow: {names}')
