# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What WMT is prepared from: archives or builders' folders, and a tokenizer."""

import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from jaxperf import errors, prepared
from jaxperf.datasets import archives as archives_lib
from jaxperf.datasets import built as built_lib
from workloads import tokenizers
from workloads.wmt import check, texts, tokens

TRAIN = 'train'  # In place of the name of a tokenizer.
_UPSTREAM = 'wmt_sentencepiece_model'  # In an AlgoPerf folder.


class Source(NamedTuple):
  """What the data is made of.

  Attributes:
    published: what it should be.
    raw: the folder that was named.
    found: data sets that are there already, by builder; None: from archives.
    model: of the tokenizer that was brought along; None: it is trained.
  """

  published: check.Published
  raw: pathlib.Path
  found: Mapping[str, built_lib.Built] | None
  model: pathlib.Path | None

  def origin(self) -> dict:
    """What all results depend on."""
    if self.found is None:
      files = [archive._asdict() for archive in self.published.archives]
    else:
      paths = [
        path
        for split, name in texts.BUILDERS.items()
        for path in built_lib.files(self.found[name], split)
      ]
      files = {path.name: path.stat().st_size for path in paths}
    return {'files': files, 'max_length': tokens.MAX_LENGTH}

  def tokenizer(self) -> str:
    """What tells the tokenizer from others: its hash, or that it is trained.

    Raises:
      UserError: if the one that was brought along cannot be taken.
    """
    if self.model is None:
      return 'trained'
    return loaded(self.model, self.published.vocabulary).sha256

  def built(self, name: str, folder: pathlib.Path) -> built_lib.Built:
    """A builder's data set; made unless it is there."""
    if self.found is not None:
      return self.found[name]
    return texts.make(
      name, self.published.archives, self.raw, folder / prepared.WORK
    )


def find(
  published: check.Published, raw: pathlib.Path, tokenizer: str
) -> Source:
  """What there is to prepare from.

  Args:
    published: what it should be.
    raw: folder of the archives, or an AlgoPerf installation.
    tokenizer: file to take, or `TRAIN`; empty for that of the installation,
      or to train one where there is none.

  Raises:
    UserError: if texts are missing or not whole, or not as many as published.
  """
  found = texts.find(raw)
  if found is None:
    for archive in published.archives:
      archives_lib.find(raw, archive)
  else:
    texts.check_counts(found, published.pairs)
  return Source(published, raw, found, _model(raw, found, tokenizer))


def loaded(path: pathlib.Path, vocabulary: int) -> tokenizers.Tokenizer:
  """A tokenizer with so many pieces.

  Raises:
    UserError: if it has another number.
  """
  found = tokenizers.load(path)
  if found.vocabulary != vocabulary:
    raise errors.UserError(
      f'{path} has a vocabulary of {found.vocabulary:,}, expected '
      f'{vocabulary:,}: name another --tokenizer=FILE, or --tokenizer=train'
    )
  return found


def _model(
  raw: pathlib.Path,
  found: Mapping[str, built_lib.Built] | None,
  option: str,
) -> pathlib.Path | None:
  """The tokenizer to take; None to train one."""
  if option or found is None:
    return None if option in ('', TRAIN) else pathlib.Path(option)
  # Beside `wmt17_translate/de-en/1.0.0`.
  places = raw, found[texts.WMT17].folder.parents[2]
  models = [place / _UPSTREAM for place in places]
  return next((model for model in models if model.is_file()), None)
