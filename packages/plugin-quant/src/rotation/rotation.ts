import { normal } from '@onnxpress/core';
import { hadamard, hadamardOrders, type Matrix } from './hadamard.ts';

/** An orthogonal map of row vectors, x → x · R. */
export interface Rotation {
  readonly width: number;
  /** Rotates `count` vectors that lie one after the other, in place. */
  apply(vectors: Float64Array, count: number): void;
}

/**
 * A random Hadamard rotation (QuaRot, arXiv 2404.00456): random signs, then a Kronecker product of Hadamard matrices; where none of that width is known, the
 * odd factor is a random orthogonal matrix. With `keepsMean` a reflection behind it takes the rotated ones vector back to itself, so that the mean of a vector and
 * what is left without it stay what they are: a layer normalization then commutes with the rotation, and may stay a layer normalization.
 */
export function randomRotation(width: number, random: () => number, { keepsMean = false }: { readonly keepsMean?: boolean } = {}): Rotation {
  const signs = Float64Array.from({ length: width }, () => (random() < 0.5 ? -1 : 1));
  const factors = factorsOf(width, random);
  const scratch = new Float64Array(Math.max(...factors.map((f) => f.order), 1));
  const turn = (vectors: Float64Array, count: number): void => {
    for (let at = 0, i = 0; at < count; at++) for (let c = 0; c < width; c++, i++) vectors[i] = vectors[i]! * signs[c]!;
    let stride = width;
    for (const { order, matrix } of factors) {
      stride /= order;
      if (order === 2) butterflies(vectors, count * width, stride);
      else multiply(vectors, count * width, stride, order, matrix, scratch);
    }
  };
  const mirror = keepsMean ? mirrorOf(width, turn) : undefined;
  return {
    width,
    apply(vectors, count) {
      turn(vectors, count);
      if (mirror) reflect(vectors, count, mirror);
    },
  };
}

interface Factor {
  readonly order: number;
  readonly matrix: Matrix;
}

function factorsOf(width: number, random: () => number): readonly Factor[] {
  const orders = hadamardOrders(width);
  if (orders) return orders.map((order) => ({ order, matrix: hadamard(order) }));
  let odd = width;
  while (odd % 2 === 0) odd /= 2;
  return [{ order: odd, matrix: orthogonal(odd, random) }, ...hadamardOrders(width / odd)!.map((order) => ({ order, matrix: hadamard(order) }))]; // a power of two
}

/** Normal rows, made orthogonal one after the other (Gram and Schmidt, twice, which is as good as exact). */
function orthogonal(order: number, random: () => number): Matrix {
  const m = Float64Array.from({ length: order * order }, () => normal(random));
  for (let i = 0; i < order; i++) {
    const row = m.subarray(i * order, (i + 1) * order);
    for (let pass = 0; pass < 2; pass++) for (let j = 0; j < i; j++) takeAway(row, m.subarray(j * order, (j + 1) * order));
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    row.forEach((v, c) => (row[c] = v / length));
  }
  return m;
}

function takeAway(row: Float64Array, other: Float64Array): void {
  let dot = 0;
  for (let c = 0; c < row.length; c++) dot += row[c]! * other[c]!;
  for (let c = 0; c < row.length; c++) row[c] = row[c]! - dot * other[c]!;
}

/** The Hadamard matrix of order 2 over pairs that lie `stride` apart. */
function butterflies(v: Float64Array, length: number, stride: number): void {
  for (let base = 0; base < length; base += 2 * stride) {
    for (let i = base; i < base + stride; i++) {
      const [a, b] = [v[i]!, v[i + stride]!];
      v[i] = (a + b) * Math.SQRT1_2;
      v[i + stride] = (a - b) * Math.SQRT1_2;
    }
  }
}

function multiply(v: Float64Array, length: number, stride: number, order: number, matrix: Matrix, scratch: Float64Array): void {
  for (let base = 0; base < length; base += order * stride) {
    for (let i = base; i < base + stride; i++) {
      scratch.fill(0, 0, order);
      for (let r = 0; r < order; r++) {
        const x = v[i + r * stride]!;
        for (let c = 0; c < order; c++) scratch[c] = scratch[c]! + x * matrix[r * order + c]!;
      }
      for (let c = 0; c < order; c++) v[i + c * stride] = scratch[c]!;
    }
  }
}

/** The normal of the plane that mirrors the ones vector onto its rotation 1 · R; undefined where they are the same. */
function mirrorOf(width: number, turn: (vectors: Float64Array, count: number) => void): Float64Array | undefined {
  const turned = new Float64Array(width).fill(1);
  turn(turned, 1);
  const plane = turned.map((v) => 1 - v);
  const length = Math.sqrt(plane.reduce((sum, v) => sum + v * v, 0));
  return length < 1e-9 * Math.sqrt(width) ? undefined : plane.map((v) => v / length);
}

function reflect(vectors: Float64Array, count: number, plane: Float64Array): void {
  const width = plane.length;
  for (let at = 0; at < count; at++) {
    const from = at * width;
    let dot = 0;
    for (let c = 0; c < width; c++) dot += vectors[from + c]! * plane[c]!;
    for (let c = 0; c < width; c++) vectors[from + c] = vectors[from + c]! - 2 * dot * plane[c]!;
  }
}
