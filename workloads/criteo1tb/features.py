# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From lines of click logs to rows of float32, a block of lines at a time.

A line has 40 fields between tabs: a label, 13 integers, 26 categories of 8
hexadecimal digits. A field that is empty or `-1` is missing. Whole columns go
through numpy at once, and eight bytes of text at a time as one number.
"""

import re
import sys

import numpy as np

assert sys.byteorder == 'little'  # First bytes of a text are the low ones.

NUM_DENSE, NUM_CATEGORICAL = 13, 26
NUM_FEATURES = NUM_DENSE + NUM_CATEGORICAL
NUM_FIELDS = 1 + NUM_FEATURES
# Distinct values that the benchmark keeps of each categorical feature.
VOCAB_SIZES = (
  *(39_884_406, 39_043, 17_289, 7_420, 20_263, 3, 7_120, 1_543, 63),
  *(38_532_951, 2_953_546, 403_346, 10, 2_208, 11_938, 155, 4, 976, 14),
  *(39_979_771, 25_641_295, 39_664_984, 585_935, 12_972, 108, 36),
)
HASH = 'farmhash fingerprint64'

_ALPHABET = b'0123456789abcdef-\t\n'
_TAB, _NEWLINE, _MINUS = b'\t\n-'
_KINDS = (
  (re.compile(rb'|-1|0|1'), '0 or 1: these are not the original files'),
  (re.compile(rb'|-?[0-9]{1,18}'), 'an integer'),
  (re.compile(rb'|-1|[0-9a-f]{8}'), '8 lower-case hexadecimal digits'),
)
_MISSING = int.from_bytes(b'0' * 8, 'little')
_K2 = 0x9AE16A3B2F90404F
_PAD = b'\0' * 8


class BadLine(Exception):
  """A line that is not one of a click log.

  Attributes:
    line: its index in the block.
    reason: what is wrong with it, as the end of a sentence.
  """

  def __init__(self, line: int, reason: str):
    super().__init__(line, reason)
    self.line, self.reason = line, reason


def parse(block: bytes) -> np.ndarray:
  r"""Labels and features of whole lines, (lines, 40) float32.

  Column 0 is the label; then ln(max(v, 0) + 1) of the integers, rounded to
  float32 before and after; then the hashed categories, rounded to float32.

  >>> line = b'1' + 13 * b'\t0' + 26 * b'\t-1' + b'\n'
  >>> parse(2 * line)[:, [0, 1, 14, 15]].tolist()
  [[1.0, 0.0, 16124033.0, 10351.0], [1.0, 0.0, 16124033.0, 10351.0]]

  Args:
    block: lines, each with its `\n`.

  Raises:
    BadLine: for the first line that is malformed.
  """
  text = _PAD + block + _PAD
  codes = np.frombuffer(text, np.uint8)
  words = np.ndarray(len(text) - 7, '<u8', text, strides=(1,))
  ends = len(_PAD) + np.flatnonzero(codes[len(_PAD) : -len(_PAD)] < _MINUS)
  if ends.size % NUM_FIELDS or block.translate(None, _ALPHABET):
    raise _first_bad(block)
  starts = np.empty_like(ends)
  starts[:1], starts[1:] = len(_PAD), ends[:-1] + 1
  borders = codes[ends].reshape(-1, NUM_FIELDS)
  if (borders[:, -1] != _NEWLINE).any() or (borders[:, :-1] != _TAB).any():
    raise _first_bad(block)
  starts = np.ascontiguousarray(starts.reshape(-1, NUM_FIELDS).T)
  ends = np.ascontiguousarray(ends.reshape(-1, NUM_FIELDS).T)
  rows = np.empty((starts.shape[1], NUM_FIELDS), np.float32)
  try:
    for column, (start, end) in enumerate(zip(starts, ends)):
      if column > NUM_DENSE:
        category = _category(codes, words, start, end)
        rows[:, column] = ids(category, column - NUM_DENSE - 1)
      else:
        integer = _integer(codes, words, start, end)
        rows[:, column] = _dense(integer) if column else _label(integer)
  except ValueError:
    raise _first_bad(block) from None
  return rows


def ids(categories: np.ndarray, feature: int) -> np.ndarray:
  """Hashed categories of one feature, before they are rounded to float32.

  The Fingerprint64 of the text followed by the feature's number, modulo the
  size of the feature's vocabulary.

  Args:
    categories: 8 bytes of text each, as little-endian uint64.
    feature: 0 to 25.
  """
  digits = str(feature).encode()
  shift = 8 * len(digits)
  tail = categories >> np.uint64(shift)
  tail |= np.uint64(int.from_bytes(digits, 'little') << (64 - shift))
  hashed = fingerprint64(categories, tail, 8 + len(digits))
  hashed %= np.uint64(VOCAB_SIZES[feature])
  return hashed


def fingerprint64(head: np.ndarray, tail: np.ndarray, size: int) -> np.ndarray:
  """FarmHash's Fingerprint64 of texts of 8 to 16 bytes.

  >>> word = np.frombuffer(b'00000000', '<u8')
  >>> fingerprint64(word, word, size=9).tolist()
  [2271946735276985195]

  Args:
    head: first 8 bytes of each text, as little-endian uint64.
    tail: last 8 bytes of each.
    size: bytes of a text.

  References:
    Pike and Alakuijala, FarmHash, https://github.com/google/farmhash
  """
  factor = np.uint64((_K2 + 2 * size) % 2**64)
  first = head + np.uint64(_K2)
  mixed = _rotated(tail, 37)
  mixed *= factor
  mixed += first
  other = _rotated(first, 25)
  other += tail
  other *= factor
  mixed ^= other
  mixed *= factor
  mixed ^= mixed >> np.uint64(47)
  mixed ^= other
  mixed *= factor
  mixed ^= mixed >> np.uint64(47)
  mixed *= factor
  return mixed


def _rotated(words: np.ndarray, bits: int) -> np.ndarray:
  """Rotated to the right."""
  rotated = words >> np.uint64(bits)
  rotated |= words << np.uint64(64 - bits)
  return rotated


def _repeated(byte: int) -> np.uint64:
  """A word of eight equal bytes."""
  return np.uint64(byte * 0x0101010101010101)


def _category(codes, words, start, end) -> np.ndarray:
  """Texts of one column, 8 bytes each.

  Raises:
    ValueError: if one is neither missing nor of 8 hexadecimal digits.
  """
  found, size = words[start], end - start
  odd = np.flatnonzero(size != 8)
  if odd.size:
    missing = (size[odd] == 0) | (
      (size[odd] == 2) & (words[start[odd]].astype('<u2') == 0x312D)  # '-1'
    )
    if not missing.all():
      raise ValueError('a text of another length')
    found[odd] = _MISSING
  # Of all that the alphabet leaves, minus alone has no bit of 0x50.
  high = (found | found >> np.uint64(2)) & _repeated(0x10)
  if (high != _repeated(0x10)).any():
    raise ValueError('a minus in a text')
  return found


def _integer(codes, words, start, end) -> np.ndarray:
  """Integers of one column, 0 where missing or negative, uint64.

  Raises:
    ValueError: if one is none.
  """
  minus = codes[start] == _MINUS
  size = end - start - minus
  if (size[minus] == 0).any():
    raise ValueError('a minus alone')
  # The last 8 bytes of each field, and zeros for those before it.
  shift = (64 - 8 * np.minimum(size, 8)).astype(np.uint64)
  digits = (words[end - 8] ^ _repeated(ord('0'))) >> shift << shift
  if ((digits + _repeated(0x76) | digits) & _repeated(0x80)).any():
    raise ValueError('not a digit')
  values = _number(digits)
  for long in np.flatnonzero(size > 8):
    field = codes[start[long] + minus[long] : end[long]].tobytes()
    if not field.isdigit() or len(field) > 18:
      raise ValueError('not a digit, or too many')
    values[long] = int(field)
  values[minus] = 0
  return values


def _number(digits: np.ndarray) -> np.ndarray:
  """Eight decimal digits a word, the first in the low byte, as a number."""
  pairs = digits * np.uint64(10) + (digits >> np.uint64(8))
  pairs &= np.uint64(0x00FF00FF00FF00FF)
  fours = pairs * np.uint64(100) + (pairs >> np.uint64(16))
  fours &= np.uint64(0x0000FFFF0000FFFF)
  eight = fours * np.uint64(10_000) + (fours >> np.uint64(32))
  return eight & np.uint64(0xFFFFFFFF)


def _label(integer: np.ndarray) -> np.ndarray:
  if (integer > 1).any():
    raise ValueError('not a label')
  return integer


def _dense(integer: np.ndarray) -> np.ndarray:
  # The logarithm in float64, so that it is the same wherever the row stands.
  plus_one = integer.astype(np.float32) + np.float32(1)
  return np.log(plus_one.astype(np.float64))


def _first_bad(block: bytes) -> BadLine:
  """The first line that is malformed, and why."""
  for index, line in enumerate(block.split(b'\n')[:-1]):
    reason = _reason(line)
    if reason:
      return BadLine(index, reason)
  raise AssertionError('a block was refused that has no bad line')


def _reason(line: bytes) -> str:
  """What is wrong with a line; empty if nothing is."""
  if line.endswith(b'\r'):
    return 'ends in \\r\\n: these are not the original files'
  fields = line.split(b'\t')
  label, wanted = _KINDS[0]
  if not label.fullmatch(fields[0]):
    return f'has the label {_shown(fields[0])}, expected {wanted}'
  if len(fields) != NUM_FIELDS:
    return f'has {len(fields)} fields, expected {NUM_FIELDS}'
  for index, field in enumerate(fields):
    kind, wanted = _KINDS[(index > 0) + (index > NUM_DENSE)]
    if not kind.fullmatch(field):
      return f'has {_shown(field)} in field {index + 1}, expected {wanted}'
  return ''


def _shown(field: bytes) -> str:
  return repr(field[:20].decode('ascii', 'backslashreplace'))
