"""Short vectors for compiled kernels: sixteen numbers that move through arithmetic together.

A sweep along a line is a recurrence, which no compiler vectorises; sixteen lines next to each other
are sixteen independent recurrences, which fit a vector register (or two, or four). `Vector` is a
numba type that LLVM sees as `<16 x float>` or `<16 x double>` and maps to whatever registers the
processor has, so one source serves AVX2, AVX-512 and NEON.

Loads and stores neither check bounds nor wrap negative indices: arrays are padded to whole vectors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model
from numba.np.arrayobj import make_array


# What numba and llvmlite hand to code generators; neither publishes types for annotations.
Numba: TypeAlias = Any

LANES = 16
CONTRACT = ("contract",)


class Vector(types.Type):
    """The numba type of sixteen scalars."""

    def __init__(self, scalar: types.Type) -> None:
        self.scalar = scalar
        super().__init__(name=f"Vector({scalar})")


FLOAT32 = Vector(types.float32)
FLOAT64 = Vector(types.float64)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    """How LLVM sees a `Vector`."""

    def __init__(self, manager: Numba, vector: Vector) -> None:
        base = ir.FloatType() if vector.scalar == types.float32 else ir.DoubleType()
        super().__init__(manager, vector, ir.VectorType(base, LANES))


def _vector_of(scalar: types.Type) -> Vector:
    return FLOAT32 if scalar == types.float32 else FLOAT64


def _pointer(context: Numba, builder: Numba, array: types.Array, args: tuple) -> Numba:
    """Address of `array[plane, row, col]` as a pointer to a vector."""
    data = make_array(array)(context, builder, args[0])
    item = cgutils.get_item_pointer(context, builder, array, data, list(args[1:4]))
    vector = context.get_value_type(_vector_of(array.dtype))
    return builder.bitcast(item, vector.as_pointer())


@intrinsic
def load(typing: Numba, array: Numba, plane: Numba, row: Numba, col: Numba) -> Numba:
    """`array[plane, row, col : col + 16]` as a vector."""
    vector = _vector_of(array.dtype)

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        value = builder.load(_pointer(context, builder, array, args))
        value.align = array.dtype.bitwidth // 8
        return value

    return vector(array, types.intp, types.intp, types.intp), generate


@intrinsic
def load_double(typing: Numba, array: Numba, plane: Numba, row: Numba, col: Numba) -> Numba:
    """`array[plane, row, col : col + 16]` as a vector of doubles, whatever the array holds."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        value = builder.load(_pointer(context, builder, array, args))
        value.align = array.dtype.bitwidth // 8
        if array.dtype == types.float64:
            return value
        return builder.fpext(value, context.get_value_type(FLOAT64))

    return FLOAT64(array, types.intp, types.intp, types.intp), generate


@intrinsic
def store(
    typing: Numba,
    array: Numba,
    plane: Numba,
    row: Numba,
    col: Numba,
    vector: Numba,
) -> Numba:
    """`array[plane, row, col : col + 16] = vector`, in the precision of the array."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        value = args[4]
        if vector.scalar != array.dtype:
            convert = builder.fptrunc if array.dtype == types.float32 else builder.fpext
            value = convert(value, context.get_value_type(_vector_of(array.dtype)))
        written = builder.store(value, _pointer(context, builder, array, args))
        written.align = array.dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, types.intp, vector), generate


@intrinsic
def splat(typing: Numba, scalar: Numba) -> Numba:
    """A vector of one repeated scalar."""
    vector = _vector_of(scalar)

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        kind = context.get_value_type(vector)
        single = builder.insert_element(ir.Constant(kind, ir.Undefined), args[0], _index(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), mask)

    return vector(scalar), generate


@intrinsic
def total(typing: Numba, vector: Numba) -> Numba:
    """The sum of a vector's lanes, in double precision."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        double = ir.DoubleType()
        lanes = [builder.extract_element(args[0], _index(lane)) for lane in range(LANES)]
        if vector.scalar == types.float32:
            lanes = [builder.fpext(lane, double) for lane in lanes]
        while len(lanes) > 1:
            lanes = [builder.fadd(a, b) for a, b in zip(lanes[0::2], lanes[1::2], strict=True)]
        return lanes[0]

    return types.float64(vector), generate


@intrinsic
def larger(typing: Numba, left: Numba, right: Numba) -> Numba:
    """The larger number of each lane; the right one where the left is not a number."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return left(left, right), generate


@intrinsic
def largest(typing: Numba, vector: Numba) -> Numba:
    """The largest lane of a vector, in double precision."""

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        lanes = [builder.extract_element(args[0], _index(lane)) for lane in range(LANES)]
        while len(lanes) > 1:
            lanes = [
                builder.select(builder.fcmp_ordered(">", a, b), a, b)
                for a, b in zip(lanes[0::2], lanes[1::2], strict=True)
            ]
        if vector.scalar == types.float32:
            return builder.fpext(lanes[0], ir.DoubleType())
        return lanes[0]

    return types.float64(vector), generate


def _index(lane: int) -> ir.Constant:
    return ir.Constant(ir.IntType(32), lane)


def _arithmetic(python_operator: Callable, instruction: str) -> None:
    """Make an operator of Python work between two vectors of the same kind."""

    @intrinsic
    def apply(typing: Numba, left: Numba, right: Numba) -> Numba:
        def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
            return getattr(builder, instruction)(args[0], args[1], flags=CONTRACT)

        return left(left, right), generate

    @overload(python_operator, strict=False)
    def apply_to_vectors(left: Numba, right: Numba) -> Callable | None:
        if isinstance(left, Vector) and left == right:
            return lambda left, right: apply(left, right)
        return None


for _operator, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_operator, _instruction)


def _shuffled(builder: Numba, low: Numba, high: Numba, mask: list[int]) -> Numba:
    kind = ir.VectorType(ir.IntType(32), len(mask))
    return builder.shuffle_vector(low, high, ir.Constant(kind, mask))


# Each stage pairs register i with register i + distance and keeps to 128-bit halves where the
# processor's shuffles do: (distance, indices of the lower result, indices of the upper result).
TRANSPOSE_STAGES = {
    8: (
        (1, [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]),
        (2, [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]),
        (4, [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]),
    ),
    4: ((1, [0, 4, 2, 6], [1, 5, 3, 7]), (2, [0, 1, 4, 5], [2, 3, 6, 7])),
}
# Where the stages above leave row k of the result.
TRANSPOSE_ORDER = {8: (0, 2, 1, 3, 4, 6, 5, 7), 4: (0, 1, 2, 3)}


def _square_address(context: Numba, builder: Numba, array: Numba, args: tuple, line: int) -> Numba:
    """Address of one line of a square inside an array, as a pointer to 32 bytes."""
    value, plane, row, col = args
    row = builder.add(row, context.get_constant(types.intp, line))
    data = make_array(array)(context, builder, value)
    item = cgutils.get_item_pointer(context, builder, array, data, [plane, row, col])
    scalar = ir.FloatType() if array.dtype == types.float32 else ir.DoubleType()
    return builder.bitcast(item, ir.VectorType(scalar, _side(array)).as_pointer())


def _side(array: Numba) -> int:
    return 256 // array.dtype.bitwidth


@intrinsic
def transpose_square(
    typing: Numba,
    source: Numba,
    plane: Numba,
    row: Numba,
    col: Numba,
    target: Numba,
    target_row: Numba,
    target_col: Numba,
) -> Numba:
    """Transpose one 32-byte-wide square (8 x 8 floats, 4 x 4 doubles) into `target[0]`."""
    side = _side(source)
    index = types.intp

    def generate(context: Numba, builder: Numba, signature: Numba, args: Numba) -> Numba:
        align = source.dtype.bitwidth // 8
        lines = []
        for k in range(side):
            line = builder.load(_square_address(context, builder, source, args[:4], k))
            line.align = align
            lines.append(line)
        for distance, low, high in TRANSPOSE_STAGES[side]:
            for k in range(side):
                if not k & distance:
                    pair = lines[k], lines[k + distance]
                    lines[k] = _shuffled(builder, *pair, low)
                    lines[k + distance] = _shuffled(builder, *pair, high)
        destination = (args[4], context.get_constant(index, 0), *args[5:])
        for k in range(side):
            value = lines[TRANSPOSE_ORDER[side][k]]
            address = _square_address(context, builder, target, destination, k)
            builder.store(value, address).align = align
        return context.get_dummy_value()

    return types.void(source, index, index, index, target, index, index), generate
