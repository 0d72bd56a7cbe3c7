# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set says about itself: facts, and a few functions."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from jaxperf import prepared
from jaxperf.datasets import journal, show

# Told how many records were done since, and whether by an earlier start.
Report = Callable[..., None]


class Unit(NamedTuple):
  """A piece of the preparation that one process does on its own.

  Attributes:
    name: also of its journal.
    origin: what its result depends on besides the code: names and sizes of raw
      files, parameters. What was made of another origin is made anew.
    records: in it, for the progress; 0 if unknown.
    work: picklable; what the data set's `prepare` needs to know.
  """

  name: str
  origin: Mapping[str, Any]
  records: int
  work: Any


class Plan(NamedTuple):
  """What is to be done for one data set.

  Attributes:
    stages: functions of the data set's folder, each called when the units of
      the one before are done; its own are done in any order. What they return
      may be lazy, for raw data that is a stream.
    parameters: see `prepared.Manifest`.
    total: records in all, for the progress; 0 if unknown.
    records: what is counted, e.g. `'lines'`.
    bytes: that the prepared data will take.
    partial: whether a part of the raw data was asked for.
  """

  stages: Sequence[Callable[[pathlib.Path], Iterable[Unit]]]
  parameters: Mapping[str, Any]
  total: int
  records: str
  bytes: int
  partial: bool = False


class Result(NamedTuple):
  """What a unit made.

  Attributes:
    unit: its name.
    files: in order.
    counts: of the whole unit.
  """

  unit: str
  files: tuple[prepared.File, ...]
  counts: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A data set that is prepared from what its provider offers.

  The functions, and whatever a unit's `work` holds, travel to other processes:
  defined in modules, partial application allowed.

  Attributes:
    name: also of its folder below the folder of all data.
    version: of its prepared layout.
    title: in words.
    provider: where it is had.
    sign_up: what the provider asks for.
    licence: of the data.
    raw_bytes: to download.
    prepared_bytes: after preparation.
    plan: `(raw, options) -> Plan`; refuses raw data that is not complete.
    prepare: `(unit, folder, journal, report)` makes the files of a unit that
      the journal does not have, adds each to it, and finishes it.
    finish: `(plan, results) -> counts` of the whole; refuses wrong ones.
    check: `(folder, manifest, deep) -> iterator of (fine, sentence)`: what it
      finds in prepared data beyond presence, sizes and hashes; `deep` if it may
      take long.
    options: its own options of `prepare`, and what they mean.
    pictures: `(folder, manifest) -> strips` of first examples, for a person to
      look at; None where there is nothing to see.
  """

  name: str
  version: int
  title: str
  provider: str
  sign_up: str
  licence: str
  raw_bytes: int
  prepared_bytes: int
  plan: Callable[[pathlib.Path, Mapping[str, str]], Plan]
  prepare: Callable[[Unit, pathlib.Path, journal.Journal, Report], None]
  finish: Callable[[Plan, Sequence[Result]], dict[str, int]]
  check: Callable[..., Iterable[tuple[bool, str]]]
  options: Mapping[str, str] = dataclasses.field(default_factory=dict)
  pictures: (
    Callable[[pathlib.Path, prepared.Manifest], Iterable[show.Strip]] | None
  ) = None
