# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature web pages: documents, a small byte-level BPE, prepared ones.

As a script it prepares them: `python -m tests.web_pages RAW BPE TO WORKERS`.
"""

import functools
import itertools
import json
import pathlib
import random
import re
import sys

import pyarrow as pa
import pyarrow.parquet
import pytest

from jaxperf import errors
from jaxperf.datasets import prepare as prepare_lib
from workloads.finewebedu_lm import bpe, check, prepare

COUNT, FILES = 300, 2
_TEXT = (
  'the light of a star takes many years to reach us and plants turn it into '
  'sugar which animals eat while rivers carry sand from mountains to the sea '
  "where it settles in layers that don't move for ages"
)
_MERGES = 60


@functools.cache
def documents() -> tuple[str | None, ...]:
  """Some hundred texts; some are short, some empty, one is missing."""
  rng = random.Random(7)
  made: list[str | None] = []
  for number in range(COUNT):
    count = rng.choice([3, 12, 40, 90])
    words = [rng.choice(_TEXT.split()) for _ in range(count)]
    made.append(f'{" ".join(words).capitalize()}.\n\nPage {number}: 3 + 4 = 7!')
  made[5], made[17], made[160] = '', None, ''
  made[20] = 'naïve café – 日本語 🙂\ttab  two spaces'
  made[30] = f'a page about {bpe.END} as text'
  return tuple(made)


def byte_letters() -> dict[int, str]:
  """GPT-2's letter for each byte, from its description."""
  plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
  others = [byte for byte in range(256) if byte not in plain]
  letters = {byte: chr(byte) for byte in plain}
  letters |= {byte: chr(256 + i) for i, byte in enumerate(others)}
  return letters


def pieces(text: str) -> list[str]:
  """ASCII text cut as GPT-2 does before merging, each piece as letters."""
  pattern = r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+"
  pattern += r'| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+'
  letters = byte_letters()
  return [
    ''.join(letters[byte] for byte in piece.encode())
    for piece in re.findall(pattern, text)
  ]


@functools.cache
def merges() -> tuple[tuple[str, str], ...]:
  """The most frequent pairs, merged one after another."""
  words = [
    list(piece)
    for text in documents()
    if text and text.isascii()
    for piece in pieces(text)
  ]
  found = []
  for _ in range(_MERGES):
    counts: dict[tuple[str, str], int] = {}
    for word in words:
      for pair in itertools.pairwise(word):
        counts[pair] = counts.get(pair, 0) + 1
    best = max(counts, key=lambda pair: (counts[pair], pair))
    found.append(best)
    words = [merged(word, best) for word in words]
  return tuple(found)


def merged(word: list[str], pair: tuple[str, str]) -> list[str]:
  """A word in which a pair is one symbol, from the left."""
  out: list[str] = []
  for symbol in word:
    if out and (out[-1], symbol) == pair:
      out[-1] += symbol
    else:
      out.append(symbol)
  return out


def vocabulary() -> dict[str, int]:
  """Symbol -> id: bytes, merges, and the end of documents."""
  symbols = [*byte_letters().values(), *(a + b for a, b in merges()), bpe.END]
  return {symbol: i for i, symbol in enumerate(dict.fromkeys(symbols))}


def encoded(text: str | None) -> list[int]:
  """Ids of an ASCII text and the end, without the library."""
  if not text:
    return []
  ids, known = [], vocabulary()
  for number, part in enumerate(text.split(bpe.END)):
    ids += [known[bpe.END]] if number else []
    for piece in pieces(part):
      word = list(piece)
      for pair in merges():
        word = merged(word, pair)
      ids += [known[symbol] for symbol in word]
  return [*ids, known[bpe.END]]


def write(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
  """Writes Parquet files and a tokenizer; returns their folders."""
  raw, tokenizer = folder / 'raw', folder / 'bpe'
  (raw / 'data').mkdir(parents=True)
  tokenizer.mkdir()
  texts, share = documents(), COUNT // FILES
  for number in range(FILES):
    own = texts[number * share : (number + 1) * share]
    table = pa.table({'id': list(range(len(own))), 'text': pa.array(own)})
    path = raw / 'data' / f'{number:03d}_00000.parquet'
    pyarrow.parquet.write_table(table, path, row_group_size=20)
  (tokenizer / bpe.VOCAB).write_text(json.dumps(vocabulary()))
  lines = ['#version: 0.2', *(' '.join(pair) for pair in merges())]
  (tokenizer / bpe.MERGES).write_text('\n'.join(lines) + '\n')
  return raw, tokenizer


def dataset():
  """The data set, with the counts of the miniature."""
  published = check.Published(len(vocabulary()), 7, 10.0)
  return prepare.dataset(published)


def prepared(
  to: pathlib.Path,
  raw: pathlib.Path,
  tokenizer: pathlib.Path,
  workers: int = 1,
) -> str:
  """Prepares the miniature in a folder."""
  options = {'tokenizer': str(tokenizer)}
  return prepare_lib.run(dataset(), raw, to, workers, options)


def refused(to, raw, tokenizer) -> str:
  """The sentence with which the preparation is refused."""
  options = {'tokenizer': str(tokenizer)} if tokenizer else {}
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(dataset(), raw, to, 1, options)
  sentence = str(caught.value)
  assert '\n' not in sentence
  assert not list(to.glob('**/*.part'))
  assert not (to / 'finewebedu_lm' / 'manifest.json').exists()
  return sentence


if __name__ == '__main__':
  given = [pathlib.Path(word) for word in sys.argv[1:4]]
  prepared(given[2], given[0], given[1], int(sys.argv[4]))
