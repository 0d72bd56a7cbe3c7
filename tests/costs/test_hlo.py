# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import jax
import jax.numpy as jnp

from jaxperf import mesh
from jaxperf.costs import hlo

# Written by hand: 100 (4 f32 + 2 bf16) + 24 bytes reduced, 12 gathered.
PROGRAM = """\
HloModule jit_step, is_scheduled=true

%add (x: f32[], y: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%x, %y)
}

%body (p: (s32[], f32[4])) -> (s32[], f32[4]) {
  %all-reduce.1 = (f32[4]{0}, bf16[2]{0}) all-reduce(%a, %b), to_apply=%add
}

%more (p: (s32[], f32[4])) -> pred[] {
  ROOT %less = pred[] compare(%i, %n), direction=LT
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %while.1 = (s32[], f32[4]) while(%t), condition=%more, body=%body, \
backend_config={"known_trip_count":{"n":"100"}}
  %all-reduce = f32[2,3]{1,0} all-reduce(%y), to_apply=%add
  %all-gather.3 = pred[12]{0} all-gather(%z), dimensions={0}
  ROOT %use = f32[4]{0} fusion(%all-reduce, %all-gather.3), calls=%other
}

%other (p: f32[4]) -> f32[4] {
  ROOT %p = f32[4] parameter(0)
}
"""


def test_collectives_in_loops_count_as_often_as_they_run():
  assert hlo.collective_bytes(PROGRAM) == {
    'all-reduce': 100 * (4 * 4 + 2 * 2) + 6 * 4,
    'all-gather': 12,
  }
  assert hlo.collective_counts(PROGRAM) == {'all-reduce': 101, 'all-gather': 1}


def _compiled_text(devices, parts):
  """Gradient of a sum over examples, taken in some parts."""
  grid = mesh.make_mesh(jax.devices()[:devices])
  whole, split = mesh.replicated(grid), mesh.split(grid)

  def step(w, x):
    def loss(w, x):
      return jnp.sum(jnp.tanh(x @ w) ** 2)

    x = jnp.moveaxis(x.reshape(-1, parts, 32), 1, 0)
    grad, _ = jax.lax.scan(
      lambda total, part: (total + jax.grad(loss)(w, part), None), 0 * w, x
    )
    return w - grad

  return (
    jax.jit(step, out_shardings=whole)
    .lower(
      jax.ShapeDtypeStruct((32, 16), jnp.float32, sharding=whole),
      jax.ShapeDtypeStruct((64, 32), jnp.float32, sharding=split),
    )
    .compile()
    .as_text()
  )


def test_data_parallel_training_reduces_the_gradient_and_nothing_else():
  assert hlo.collective_bytes(_compiled_text(8, 1)) == {
    'all-reduce': 32 * 16 * 4
  }


def test_a_gradient_that_is_reduced_for_each_part_is_found_out():
  found = hlo.collective_bytes(_compiled_text(8, 4))
  assert found == {'all-reduce': 4 * 32 * 16 * 4}


def test_one_device_sends_nothing():
  assert hlo.collective_bytes(_compiled_text(1, 1)) == {}
