# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Byte-level BPE of GPT-2, from its two files, by the library `tokenizers`."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxperf import errors

VOCAB, MERGES = 'vocab.json', 'merges.txt'
END = '<|endoftext|>'
_MOST = 2**16  # Ids are stored in 16 bits.


class Bpe(NamedTuple):
  """A tokenizer.

  Attributes:
    tokenizer: of the library.
    vocabulary: number of ids.
    end_id: of the end of a document.
    sha256: of both files.
  """

  tokenizer: Any
  vocabulary: int
  end_id: int
  sha256: str

  def encode(self, texts: Sequence[str | None]) -> list[list[int]]:
    """Ids of each document, with the end; none of a document without text."""
    encoded = self.tokenizer.encode_batch_fast(
      [text + END if text else '' for text in texts]
    )
    return [one.ids for one in encoded]

  def decode(self, ids: Sequence[int]) -> str:
    """The text of ids, ends of documents included."""
    return self.tokenizer.decode(list(ids), skip_special_tokens=False)


def library() -> Any:
  """The library, imported.

  Raises:
    UserError: if it is not installed; names the extra.
  """
  # Its threads do not outlive a fork; the preparation has processes.
  os.environ.setdefault('TOKENIZERS_PARALLELISM', 'false')
  try:
    import tokenizers
  except ImportError as error:
    raise errors.UserError(
      "tokenizing needs the extra `data`: pip install 'jaxperf[data]' "
      f'({error})'
    ) from None
  return tokenizers


def load(folder: pathlib.Path) -> Bpe:
  """The tokenizer in a folder.

  Raises:
    UserError: if its files are missing or damaged, or have too many ids, or no
      end of documents.
  """
  tokenizers = library()
  vocab, merges = folder / VOCAB, folder / MERGES
  sha256 = hashlib.sha256()
  for path in (vocab, merges):
    if not path.is_file():
      raise errors.UserError(
        f'{path} is missing: name the folder of {VOCAB} and {MERGES} of GPT-2 '
        'with --tokenizer=DIR'
      )
    content = path.read_bytes()
    sha256.update(f'{path.name} {len(content)}\n'.encode() + content)
  try:
    ids = json.loads(vocab.read_bytes())
    end, count = ids[END], max(ids.values()) + 1
    model = tokenizers.models.BPE.from_file(str(vocab), str(merges))
  # The library raises its own kind of plain exception.
  except Exception as error:
    raise errors.UserError(
      f'{folder} holds no byte-level BPE with the end {END} '
      f'({errors.first_line(error)}): download its two files again'
    ) from None
  if count > _MOST:
    raise errors.UserError(
      f'{vocab} has {count:,} ids, expected at most {_MOST:,}'
    )
  tokenizer = tokenizers.Tokenizer(model)
  tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
    add_prefix_space=False
  )
  tokenizer.decoder = tokenizers.decoders.ByteLevel()
  tokenizer.add_special_tokens([END])
  return Bpe(tokenizer, count, end, sha256.hexdigest())
