// Plain float64 twins of linear algebra: oracles for tests, one obvious loop each.

/** C = alpha * op(A) op(B) + beta * C. */
export function matmul(a: ArrayLike<number>, b: ArrayLike<number>, [m, n, k]: readonly [number, number, number], { transA = false, transB = false, alpha = 1, beta = 0, c }: { transA?: boolean; transB?: boolean; alpha?: number; beta?: number; c?: ArrayLike<number> } = {}): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += a[transA ? p * m + i : i * k + p]! * b[transB ? j * k + p : p * n + j]!;
    out[i * n + j] = alpha * sum + (beta === 0 ? 0 : beta * c![i * n + j]!);
  }
  return out;
}

/** X^T diag(weights) X. */
export function gram(x: ArrayLike<number>, rows: number, columns: number, weights?: ArrayLike<number>): Float64Array {
  const out = new Float64Array(columns * columns);
  for (let r = 0; r < rows; r++) {
    const weight = weights?.[r] ?? 1;
    if (weight === 0) continue;
    for (let i = 0; i < columns; i++) for (let j = 0; j < columns; j++) out[i * columns + j]! += weight * x[r * columns + i]! * x[r * columns + j]!;
  }
  return out;
}

/** L with A = L L^T. */
export function cholesky(a: ArrayLike<number>, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) {
    let value = a[i * n + j]!;
    for (let k = 0; k < j; k++) value -= l[i * n + k]! * l[j * n + k]!;
    if (i === j && !(value > 0)) throw new RangeError(`Not positive definite at row ${i}.`);
    l[i * n + j] = i === j ? Math.sqrt(value) : value / l[j * n + j]!;
  }
  return l;
}

/** A^-1 of a symmetric positive definite matrix, by solving for each unit vector. */
export function inverse(a: ArrayLike<number>, n: number): Float64Array {
  const l = cholesky(a, n);
  const out = new Float64Array(n * n);
  for (let c = 0; c < n; c++) {
    const y = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let value = i === c ? 1 : 0;
      for (let k = 0; k < i; k++) value -= l[i * n + k]! * y[k]!;
      y[i] = value / l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let value = y[i]!;
      for (let k = i + 1; k < n; k++) value -= l[k * n + i]! * out[k * n + c]!;
      out[i * n + c] = value / l[i * n + i]!;
    }
  }
  return out;
}

/** R, upper, with (H + damp * mean(diag H) * I)^-1 = R^T R: the classic way, by the inverse and its factor. What is 0 on the diagonal counts as the mean. */
export function inverseCholeskyUpper(h: ArrayLike<number>, n: number, damp: number): Float64Array {
  const damped = Float64Array.from(h);
  let mean = 0;
  for (let i = 0; i < n; i++) mean += h[i * n + i]! / n;
  mean ||= 1;
  for (let i = 0; i < n; i++) damped[i * n + i] = (damped[i * n + i]! || mean) + damp * mean;
  const l = cholesky(inverse(damped, n), n);
  const upper = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) upper[j * n + i] = l[i * n + j]!;
  return upper;
}
