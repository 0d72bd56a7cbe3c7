# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules as graphs in OGB's encoding, 1 measured and 64 computed labels.

The measured label is blood-brain-barrier permeability. The others are computed
with RDKit from the structure; a fixed random part of them is hidden. Needs the
`rdkit` package installed, in the version of `PACKAGES`.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import pathlib
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from calibration.data.builders import packages, store
from jaxperf import errors

PACKAGES = (
  packages.Package(
    'wheel',
    'qc-b3db',
    '1.1.1',
    'qc_b3db-*.whl',
    'c929f601951e4b0ed56326c94d2cdc2f6b0c24711fbc1e0d7f67e88e330fc959',
  ),
  packages.Package(
    'wheel',
    'rdkit',
    '2026.9.1',
    'rdkit-*.whl',
    '03d09f957367eb4e9cb729ac191a43dbd0926f5ea6dcbf36b14682326130b92d',
  ),
)
DESCRIPTION = {
  'title': 'Molecules of B3DB, NCI and a PAINS test set as graphs',
  'licence': 'CC0-1.0 and BSD-3-Clause',
  'credit': (
    'B3DB (Meng et al. 2021, CC0); RDKit data files (Greg Landrum and other '
    'RDKit contributors, BSD-3-Clause): NCI compounds, WEHI screening set'
  ),
  'made': (
    'Real molecules. One label (bbb_measured) is measured; the other 64 are '
    'computed from the structure with RDKit, and 15 % of them are hidden.'
  ),
}
HIDDEN = 0.15
MEASURED = 'bbb_measured'
_ATOMS = (4, 50)
_PREVALENCE = (0.01, 0.55)
_CORRELATION = 0.85
_TRAIN, _VALIDATION = 0.8, 0.1
_HYBRIDISATIONS = ('SP', 'SP2', 'SP3', 'SP3D', 'SP3D2')
_BOND_TYPES = ('SINGLE', 'DOUBLE', 'TRIPLE', 'AROMATIC')


class Molecule(NamedTuple):
  """A parsed molecule; `bbb` is 0, 1 or NaN."""

  smiles: str
  mol: object
  bbb: float


def build(paths: list[pathlib.Path]) -> store.Packed:
  """Graphs, labels and scaffold splits; molecules in a fixed random order."""
  _check_rdkit()
  molecules = _molecules(*paths)
  splits = _scaffold_split(molecules)
  rng = np.random.default_rng(0)
  molecules = [
    molecules[i] for rows in splits.values() for i in rng.permutation(rows)
  ]
  names, labels = _computed_labels(molecules)
  known = rng.random(labels.shape) >= HIDDEN
  measured = np.array([molecule.bbb for molecule in molecules])
  labels = np.column_stack([labels, measured == 1])
  known = np.column_stack([known, ~np.isnan(measured)])
  graphs = [_graph(molecule.mol) for molecule in molecules]
  return store.Packed(
    arrays={
      'n_node': np.array([len(nodes) for nodes, _ in graphs], np.uint8),
      'n_bond': np.array([len(bonds) for _, bonds in graphs], np.uint8),
      'nodes': np.concatenate([nodes for nodes, _ in graphs]).T,
      'bonds': np.concatenate([bonds for _, bonds in graphs]).T,
      'label_bits': np.packbits((labels & known).T, axis=1),
      'known_bits': np.packbits(known.T, axis=1),
      'task_names': store.text([*names, MEASURED]),
    },
    splits={split: len(rows) for split, rows in splits.items()},
  )


def _check_rdkit() -> None:
  """Warns if the installed RDKit is not the one that made the shipped file."""
  try:
    installed = importlib.metadata.version('rdkit')
  except importlib.metadata.PackageNotFoundError as error:
    raise errors.UserError(
      'building the molecules needs RDKit: `pip install rdkit pandas`.'
    ) from error
  if installed != PACKAGES[1].version:
    warnings.warn(
      f'RDKit {installed} is not the pinned {PACKAGES[1].version}: the data '
      'may differ from what ships.',
      stacklevel=3,
    )


def _molecules(b3db: pathlib.Path, rdkit_wheel: pathlib.Path) -> list[Molecule]:
  """Distinct molecules without stereochemistry, in the order of the sources."""
  table = pd.read_csv(
    io.BytesIO(packages.member(b3db, 'B3DB/B3DB_classification.tsv')),
    sep='\t',
  )
  nci = packages.member(rdkit_wheel, 'Data/NCI/first_5K.smi').decode()
  pains = packages.member(
    rdkit_wheel, 'Data/Pains/test_data/wehi_mols.csv'
  ).decode()
  rows = list(zip(table['SMILES'], table['BBB+/BBB-'] == 'BBB+'))
  rows += [(line.split()[0], np.nan) for line in nci.splitlines()]
  rows += [(row[0], np.nan) for row in csv.reader(pains.splitlines())]
  found: dict[str, Molecule] = {}
  for smiles, bbb in rows:
    mol, canonical = _flat(smiles)
    if mol is None:
      continue
    known = found.setdefault(canonical, Molecule(canonical, mol, bbb))
    if known.bbb != bbb and not np.isnan(bbb):  # Stereoisomers that disagree.
      found[canonical] = known._replace(bbb=np.nan)
  return list(found.values())


def _flat(smiles: str):
  """The largest fragment without stereochemistry, and its canonical SMILES.

  (None, None) if it cannot be parsed or has too few or too many atoms.
  """
  from rdkit import Chem

  mol = Chem.MolFromSmiles(smiles)
  if mol is None:
    return None, None
  mol = max(
    Chem.GetMolFrags(mol, asMols=True),
    key=lambda fragment: fragment.GetNumAtoms(),
  )
  Chem.RemoveStereochemistry(mol)
  canonical = Chem.MolToSmiles(mol)
  mol = Chem.MolFromSmiles(canonical)
  if mol is None or not _ATOMS[0] <= mol.GetNumAtoms() <= _ATOMS[1]:
    return None, None
  return mol, canonical


def _scaffold_split(molecules: list[Molecule]) -> dict[str, list[int]]:
  """Whole Bemis-Murcko scaffolds, the most frequent first, fill the splits."""
  from rdkit.Chem.Scaffolds import MurckoScaffold

  groups: dict[str, list[int]] = {}
  for i, molecule in enumerate(molecules):
    scaffold = MurckoScaffold.MurckoScaffoldSmiles(mol=molecule.mol)
    groups.setdefault(scaffold, []).append(i)
  splits = {'train': [], 'validation': [], 'test': []}
  room = {
    'train': _TRAIN * len(molecules),
    'validation': _VALIDATION * len(molecules),
    'test': len(molecules),
  }
  for rows in sorted(groups.values(), key=lambda rows: (-len(rows), rows[0])):
    split = next(s for s in splits if len(splits[s]) + len(rows) <= room[s])
    splits[split] += rows
  return splits


def _computed_labels(
  molecules: list[Molecule],
) -> tuple[list[str], np.ndarray]:
  """Names and values (molecules, tasks) of the labels that RDKit computes.

  Kept are labels that are neither too rare, nor too common, nor nearly a copy
  of one before.
  """
  columns = {
    name: np.array([bool(label(m.mol)) for m in molecules])
    for name, label in _label_functions().items()
  }
  kept: dict[str, np.ndarray] = {}
  for name, values in columns.items():
    if not _PREVALENCE[0] <= values.mean() <= _PREVALENCE[1]:
      continue
    if all(
      abs(np.corrcoef(values, other)[0, 1]) < _CORRELATION
      for other in kept.values()
    ):
      kept[name] = values
  return list(kept), np.stack(list(kept.values()), axis=1)


def _label_functions() -> dict[str, Callable[[object], float]]:
  """Label name -> function of a molecule whose truth is the label."""
  from rdkit.Chem import (
    QED,
    Crippen,
    Fragments,
    Lipinski,
    rdMolDescriptors,
  )
  from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

  def alerts(catalogue):
    parameters = FilterCatalogParams()
    parameters.AddCatalog(
      getattr(FilterCatalogParams.FilterCatalogs, catalogue)
    )
    return FilterCatalog(parameters).HasMatch

  fragments = {
    name: getattr(Fragments, name)
    for name in sorted(dir(Fragments))
    if name.startswith('fr_')
  }
  return fragments | {
    'logp_gt3': lambda mol: Crippen.MolLogP(mol) > 3,
    'tpsa_gt90': lambda mol: rdMolDescriptors.CalcTPSA(mol) > 90,
    'rings_ge4': lambda mol: rdMolDescriptors.CalcNumRings(mol) >= 4,
    'qed_gt07': lambda mol: QED.qed(mol) > 0.7,
    'fsp3_gt05': lambda mol: rdMolDescriptors.CalcFractionCSP3(mol) > 0.5,
    'rotb_gt7': lambda mol: rdMolDescriptors.CalcNumRotatableBonds(mol) > 7,
    'bridgehead': rdMolDescriptors.CalcNumBridgeheadAtoms,
    'spiro': rdMolDescriptors.CalcNumSpiroAtoms,
    'arom_rings_ge3': (
      lambda mol: rdMolDescriptors.CalcNumAromaticRings(mol) >= 3
    ),
    'hbd_ge4': lambda mol: Lipinski.NumHDonors(mol) >= 4,
    'pains': alerts('PAINS'),
    'brenk': alerts('BRENK'),
  }


def _graph(mol) -> tuple[np.ndarray, np.ndarray]:
  """Atoms (n, 9) and bonds (m, 5), where a bond starts with its two atoms.

  The features are indices in OGB's lists of allowed values; the last index of
  a list stands for any other value.
  """
  atoms = [
    [
      min(atom.GetAtomicNum() - 1, 118),
      0,  # Stereochemistry was removed: unspecified.
      min(atom.GetTotalDegree(), 11),
      min(atom.GetFormalCharge() + 5, 11),
      min(atom.GetTotalNumHs(), 9),
      min(atom.GetNumRadicalElectrons(), 5),
      _index(_HYBRIDISATIONS, atom.GetHybridization()),
      atom.GetIsAromatic(),
      atom.IsInRing(),
    ]
    for atom in mol.GetAtoms()
  ]
  bonds = [
    [
      bond.GetBeginAtomIdx(),
      bond.GetEndAtomIdx(),
      _index(_BOND_TYPES, bond.GetBondType()),
      0,  # Stereochemistry was removed: none.
      bond.GetIsConjugated(),
    ]
    for bond in mol.GetBonds()
  ]
  return np.array(atoms, np.uint8), np.array(bonds, np.uint8)


def _index(names: tuple[str, ...], value) -> int:
  """Position of an RDKit enumeration value; the last + 1 if not listed."""
  return names.index(value.name) if value.name in names else len(names)
