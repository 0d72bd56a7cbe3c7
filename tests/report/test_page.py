# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report is one sound, self-contained page."""

import html.parser
import os
import re
import shutil

import pytest

from jaxperf import errors
from jaxperf.report import page as page_lib
from jaxperf.scoring import selection
from tests import result_trees


class _Page(html.parser.HTMLParser):
  """Collects what the tests look for; raises on unbalanced tags."""

  VOID = ('meta', 'br', 'path', 'use', 'rect')

  def __init__(self, text):
    super().__init__()
    self.open, self.headings, self.images, self.ids = [], [], [], []
    self.links = []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    attributes = dict(attrs)
    self.ids += [attributes['id']] if 'id' in attributes else []
    self.links += [v for k, v in attrs if k in ('href', 'src', 'xlink:href')]
    if tag == 'svg':
      self.images.append(attributes.get('aria-label'))
    if tag in ('h1', 'h2', 'h3'):
      self.headings.append(tag)
    if tag not in self.VOID:
      self.open.append(tag)

  def handle_startendtag(self, tag, attrs):
    self.links += [v for k, v in attrs if k in ('href', 'src', 'xlink:href')]

  def handle_endtag(self, tag):
    if tag not in self.VOID:
      assert self.open.pop() == tag


@pytest.mark.parametrize('studies', [1, 3])
def test_the_report_is_one_sound_page_without_outside_links(tmp_path, studies):
  result_trees.write_tree(tmp_path, studies)
  page_lib.write(tmp_path, selection.Options())
  text = (tmp_path.parent / f'{tmp_path.name}.html').read_text()
  page = _Page(text)
  assert page.open == []
  assert page.headings[0] == 'h1'
  assert page.headings.count('h1') == 1
  assert all(page.images)
  assert len(page.images) >= 4
  assert all(link.startswith('#') for link in page.links)
  anchors = [i for i in page.ids if i.startswith('section')]
  assert len(anchors) == len(set(anchors))
  assert text.index('fast is first') < text.index('<nav')
  assert 'Unofficial' in text
  assert 'prefers-color-scheme: dark' in text


def test_names_are_escaped_in_the_report(tmp_path):
  result_trees.write_tree(tmp_path)
  shutil.copytree(tmp_path / 'fast', tmp_path / '<b>&')
  page_lib.write(tmp_path, selection.Options())
  text = (tmp_path.parent / f'{tmp_path.name}.html').read_text()
  assert '&lt;b&gt;&amp;' in text
  assert '<b>&' not in text


@pytest.mark.parametrize(
  ('name', 'seen'),
  [
    ('cost_$5_vs_$6_x', 'cost_$5_vs_$6_x'),
    (r'$\frac{1}$', r'$\frac{1}$'),
    ('one$dollar', 'one$dollar'),
    ('_mine', '_mine'),
    ('日本', '日本'),
    (os.fsdecode(b'caf\xe9'), r'caf\xe9'),
    ('tab\there', r'tab\there'),
  ],
)
def test_the_report_shows_any_name(tmp_path, recwarn, name, seen):
  result_trees.write_tree(tmp_path)
  shutil.copytree(tmp_path / 'fast', tmp_path / name)
  page_lib.write(tmp_path, selection.Options())
  text = (tmp_path.parent / f'{tmp_path.name}.html').read_text('utf-8')
  assert f'>{seen}<' in text
  figures = re.findall('<svg.*?</svg>', text, flags=re.DOTALL)
  budget = next(f for f in figures if 'Share of the budget' in f)
  assert f'>{seen}</text>' in budget  # In its legend.
  assert [str(w.message) for w in recwarn] == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
  result_trees.write_tree(tmp_path)
  with pytest.raises(errors.UserError, match='cannot write'):
    page_lib.write(
      tmp_path, selection.Options(), tmp_path / 'missing' / 'report.html'
    )
