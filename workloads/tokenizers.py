# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""SentencePiece tokenizers as named artefacts: trained, hashed, refused.

Label ids mean words only with the tokenizer that made them. So its file has a
hash, by which prepared labels name it, and the same lines in the same order
make the same file.
"""

import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from jaxperf import errors, prepared

# The file holds these names, so they are part of its hash.
_CORPUS, _PREFIX = 'corpus.txt', 'model'
# What the benchmark gives the trainer; another number of threads than its own
# default makes other pieces.
_FLAGS = (
  f'--input={_CORPUS} --vocab_size={{}} --character_coverage=1.0 '
  f'--model_prefix={_PREFIX} --model_type=unigram'
)
_SPECIAL = (0, 1, 2)  # Unknown, begin, end.
# In a process of its own: it must not share one with TensorFlow, and writes
# hundreds of lines. The package comes from where it comes from here.
_TRAIN = (
  'import sys; sys.path[:] = {!r}; import sentencepiece; '
  'sentencepiece.SentencePieceTrainer.train({!r})'
)


class Tokenizer(NamedTuple):
  """Text to ids and back.

  Attributes:
    encode: texts to the ids of each, which end in the end symbol.
    decode: ids to text. Control symbols vanish; an id outside the vocabulary
      counts as unknown.
    vocabulary: number of ids.
    sha256: of the file, hexadecimal.
    pieces_sha256: of pieces and scores, whatever the file is called and who
      trained it; see `pieces_sha256`.
  """

  encode: Callable[[Sequence[str]], list[list[int]]]
  decode: Callable[[Sequence[int]], str]
  vocabulary: int
  sha256: str
  pieces_sha256: str


class Corpus(NamedTuple):
  """What a tokenizer was trained on: size and hash of its text."""

  lines: int
  bytes: int
  sha256: str


def train(lines: Iterable[str], vocabulary: int, path: pathlib.Path) -> Corpus:
  """Trains a unigram model and writes its file, whole or not at all.

  Args:
    lines: of text, without line ends; their order matters.
    vocabulary: number of pieces.
    path: of the model.

  Raises:
    UserError: if sentencepiece is missing or refuses the text.
  """
  library()
  with tempfile.TemporaryDirectory(prefix='tokenizer-') as empty:
    folder = pathlib.Path(empty)
    corpus = _write_corpus(folder / _CORPUS, lines)
    places = [str(pathlib.Path(place).absolute()) for place in sys.path]
    code = _TRAIN.format(places, _FLAGS.format(vocabulary))
    done = subprocess.run(
      [sys.executable, '-P', '-c', code],
      cwd=folder,
      capture_output=True,
      text=True,
    )
    if done.returncode:
      reason = done.stderr.strip().split('\n')[-1] or 'it was killed'
      raise errors.UserError(
        f'no tokenizer of {vocabulary:,} pieces could be trained on '
        f'{corpus.lines:,} lines of text ({reason}): look for missing or wrong '
        'text'
      )
    with prepared.writing(path) as file:
      file.write((folder / f'{_PREFIX}.model').read_bytes())
  return corpus


def _write_corpus(path: pathlib.Path, lines: Iterable[str]) -> Corpus:
  """Writes the text to train on."""
  digest, count, size = hashlib.sha256(), 0, 0
  with path.open('wb') as file:
    for line in lines:
      content = f'{line}\n'.encode()
      file.write(content)
      digest.update(content)
      count, size = count + 1, size + len(content)
  return Corpus(count, size, digest.hexdigest())


def load(
  path: pathlib.Path, sha256: str | None = None, remedy: str = ''
) -> Tokenizer:
  """The tokenizer of a file.

  Args:
    path: of a serialised SentencePiece model.
    sha256: that the file should have; None for any.
    remedy: what to do if it has another one.

  Raises:
    UserError: if it cannot be read, is none, or is another one.
  """
  try:
    content = path.read_bytes()
  except OSError as error:
    raise errors.UserError(
      f'the tokenizer {path} cannot be read ({error.strerror}): name a '
      'SentencePiece model'
    ) from None
  found = hashlib.sha256(content).hexdigest()
  if sha256 not in (None, found):
    raise errors.UserError(
      f'{path} is not the tokenizer that made the labels: its SHA-256 is '
      f'{found}, expected {sha256}: {remedy or "put that one back"}'
    )
  return from_bytes(content, str(path))


def from_bytes(model: bytes, where: str = 'the tokenizer') -> Tokenizer:
  """The tokenizer of a serialised SentencePiece model.

  Args:
    model: content of its file.
    where: names it in messages.

  Raises:
    UserError: if sentencepiece is missing, or the content is no model of ids 0,
      1, 2 for unknown, begin and end.
  """
  processor = _processor(model, where)
  size, unknown = processor.vocab_size(), processor.unk_id()

  def encode(texts):
    return processor.encode(list(texts), add_eos=True, num_threads=1)

  def decode(ids):
    known = [int(i) if 0 <= i < size else unknown for i in ids]
    return processor.decode(known)

  return Tokenizer(
    encode,
    decode,
    size,
    hashlib.sha256(model).hexdigest(),
    pieces_sha256(processor),
  )


def _processor(model: bytes, where: str):
  """The model, opened, with the symbols of the benchmark's tokenizers."""
  package = library()
  try:
    # Content without a byte is taken for no argument.
    processor = package.SentencePieceProcessor(model_proto=model or b'\0')
  except (RuntimeError, OSError) as error:
    raise errors.UserError(
      f'{where} is no SentencePiece model ({errors.first_line(error)}): name '
      'another file'
    ) from None
  found = (processor.unk_id(), processor.bos_id(), processor.eos_id())
  if found != _SPECIAL:
    raise errors.UserError(
      f'{where} has the ids {found} for unknown, begin and end, expected '
      f'{_SPECIAL}: name a model with the default ones'
    )
  return processor


def pieces_sha256(processor: Any) -> str:
  """Hash of a tokenizer's pieces and scores, whatever its file is called.

  SHA-256 over, for each id: the piece as UTF-8, a tab, the score as
  little-endian float32, a line end.

  Args:
    processor: a `sentencepiece.SentencePieceProcessor`.
  """
  digest = hashlib.sha256()
  for i in range(processor.vocab_size()):
    score = struct.pack('<f', processor.get_score(i))
    digest.update(processor.id_to_piece(i).encode() + b'\t' + score + b'\n')
  return digest.hexdigest()


def library():
  """The package sentencepiece, which only data with words needs.

  Raises:
    UserError: if it is not installed.
  """
  try:
    import sentencepiece
  except ImportError:
    raise errors.UserError(
      'the package sentencepiece is missing, and text is read and written with '
      "it: run pip install 'jaxperf[data]'"
    ) from None
  return sentencepiece
