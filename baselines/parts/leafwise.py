# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of one parameter array with several results, over whole trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def map_leaves(function: Callable[..., tuple], tree: Any, *rest: Any) -> tuple:
  """Like `jax.tree.map`, for a function that returns a tuple.

  Args:
    function: of one leaf of `tree` and what stands there in `rest`.
    tree: gives the structure.
    *rest: trees with that structure, or a deeper one.

  Returns:
    A tuple of trees, one for each result of `function`.

  >>> map_leaves(lambda x: (x + 1, -x), {'w': 1, 'b': 2})
  ({'b': 3, 'w': 2}, {'b': -2, 'w': -1})
  """
  outer = jax.tree.structure(tree)
  leaves = outer.flatten_up_to(jax.tree.map(function, tree, *rest))
  return tuple(outer.unflatten(part) for part in zip(*leaves))
