# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import inspect
import pathlib
import re
import textwrap

from jaxperf.trial import loop as loop_lib

ROOT = pathlib.Path(__file__).parents[1]


def test_the_loop_printed_in_the_architecture_page_is_the_real_one():
  loop = inspect.getsource(loop_lib.Session.train)
  body = textwrap.dedent(loop.split('"""The training loop."""\n')[1]).strip()
  assert body in (ROOT / 'docs/architecture.md').read_text()


def test_the_architecture_page_names_modules_that_exist():
  text = (ROOT / 'docs/architecture.md').read_text()
  table = text.split('## The house')[1].split('Imports point')[0]
  names = re.findall(r'`(?:jaxperf/)?(\w+\.py)`', table)
  assert len(names) > 20
  there = {path.name for path in (ROOT / 'jaxperf').rglob('*.py')}
  assert set(names) <= there
