# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The command line. Everything heavy is imported by the command that needs it.

Exit codes: 0 all is well, 1 a trial failed, 2 misuse, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

import jaxperf
from jaxperf import errors
from jaxperf.cli import (
  costs,
  data,
  experiment,
  listing,
  results,
  surroundings,
)


def main(arguments: Sequence[str] | None = None) -> int:
  """Runs one command; returns the exit code."""
  if isinstance(sys.stdout, io.TextIOWrapper):  # Names may be in any script.
    sys.stdout.reconfigure(errors='backslashreplace')
  surroundings.settle()
  parser = _parser()
  words = sys.argv[1:] if arguments is None else arguments
  options, rest = parser.parse_known_args(map(surroundings.expanded, words))
  if rest and not getattr(options, 'takes_overrides', False):
    parser.error(f'unrecognized arguments: {" ".join(rest)}')
  options.overrides = rest
  try:
    return options.handler(options) or 0
  except BrokenPipeError:  # Such as `jaxperf score DIR | head`.
    sys.stdout = None  # Or Python would complain again when it ends.
    return 0
  except errors.UserError as error:
    print(f'jaxperf: {error}', file=sys.stderr)
    return 2
  except (OSError, ValueError) as error:
    sentence = surroundings.sentence(error)
    if sentence is None:
      raise
    print(f'jaxperf: {sentence}', file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    return 130


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog='jaxperf',
    description='Does your training algorithm train neural networks faster, '
    'and how sure is that? (AlgoPerf in JAX; results are unofficial.)',
  )
  parser.add_argument(
    '--version', action='version', version=f'jaxperf {jaxperf.__version__}'
  )
  commands = parser.add_subparsers(
    title='commands', metavar='COMMAND', required=True
  )
  for group in (experiment, results, listing, data, costs):
    group.add_parsers(commands)
  return parser
