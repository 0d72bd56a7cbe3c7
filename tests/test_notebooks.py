# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the notebooks as a reader does, from top to bottom."""

import os
import pathlib

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted(pathlib.Path(__file__).parents[1].glob('notebooks/*.ipynb'))
_CELL_TIMEOUT_S = 300


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_leaves_nothing_behind(
  path, tmp_path, monkeypatch
):
  monkeypatch.setenv('TMPDIR', str(tmp_path / 'temporary'))
  (tmp_path / 'temporary').mkdir()
  folder = tmp_path / 'folder'
  folder.mkdir()
  mine = folder / 'figure.svg'
  mine.write_text('of the reader')
  client = nbclient.NotebookClient(
    nbformat.read(path, as_version=4),
    timeout=_CELL_TIMEOUT_S,
    kernel_name='python3',
    resources={'metadata': {'path': str(folder)}},
  )
  # One CPU device, as a reader has.
  client.execute(env=os.environ | {'XLA_FLAGS': ''})
  assert list(folder.iterdir()) == [mine]
  assert mine.read_text() == 'of the reader'
  assert list((tmp_path / 'temporary').iterdir()) == []


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_stored(path):
  cells = nbformat.read(path, as_version=4).cells
  code = [cell for cell in cells if cell.cell_type == 'code']
  assert code
  for cell in code:
    assert cell.outputs == []
    assert cell.execution_count is None
