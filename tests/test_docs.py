# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import inspect
import pathlib
import re
import textwrap

from jaxperf.trial import loop as loop_lib

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / 'docs' / 'architecture.md'


def test_the_loop_printed_in_the_architecture_page_is_the_real_one():
  loop = inspect.getsource(loop_lib.Session.train)
  body = textwrap.dedent(loop.split('"""The training loop."""\n')[1]).strip()
  assert body in PAGE.read_text()


def _named() -> dict[str, set[str]]:
  """Room -> modules, as the table of the architecture page has them."""
  rows = re.findall(
    r'^\| `(jaxperf/[\w/]*)` \| (.*) \|$', PAGE.read_text(), re.M
  )
  return {
    room: {
      name
      for name in re.findall(r'`(\w+)`', _names_only(text))
      if name.islower()
    }
    for room, text in rows
  }


def _names_only(text: str) -> str:
  """A cell without what is said about the modules."""
  parts = [part.partition(': ') for part in text.split('; ')]
  return '; '.join(tail if '`' not in head else head for head, _, tail in parts)


def test_the_architecture_page_names_every_module_and_no_other():
  there: dict[str, set[str]] = {}
  for path in (ROOT / 'jaxperf').rglob('*.py'):
    room = path.parent.relative_to(ROOT).as_posix() + '/'
    there.setdefault(room, set())
    if not path.stem.startswith('__'):
      there[room].add(path.stem)
  assert _named() == there
