# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Paragraphs of the LibreOffice help pages in a Debian package."""

from __future__ import annotations

import html.parser
import pathlib
from collections.abc import Iterator

from calibration.data.builders import packages


def pages(path: pathlib.Path) -> Iterator[tuple[str, dict[str, str]]]:
  """Page name (equal in all languages) -> paragraph id -> plain text."""
  for member in packages.members(path, '.html'):
    _, separator, name = member.path.partition('/text/')
    if separator:
      reader = _Reader()
      reader.feed(member.content().decode('utf-8'))
      yield name, reader.paragraphs


class _Reader(html.parser.HTMLParser):
  """Collects the text of elements with an id, white space collapsed.

  Text that only other platforms or applications show (a hidden span with a
  class) is left out; the page's default stands beside it.
  """

  def __init__(self):
    super().__init__()
    self.paragraphs: dict[str, str] = {}
    self._id = ''
    self._text: list[str] = []
    self._hidden: list[bool] = []  # One for each open span.

  def handle_starttag(self, tag, attrs):
    attributes = dict(attrs)
    if tag == 'span':
      self._hidden.append('hidden' in attributes and 'class' in attributes)
    elif tag in _PARAGRAPHS:
      self._id, self._text = attributes.get('id', ''), []
    elif tag == 'br':
      self._text.append(' ')

  def handle_endtag(self, tag):
    if tag == 'span' and self._hidden:
      self._hidden.pop()
    elif tag in _PARAGRAPHS and self._id:
      self.paragraphs.setdefault(
        self._id, ' '.join(''.join(self._text).split())
      )
      self._id = ''

  def handle_data(self, data):
    if self._id and not any(self._hidden):
      self._text.append(data)


_PARAGRAPHS = ('p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6')
