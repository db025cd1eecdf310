/** A square matrix, row by row. */
export type Matrix = Float64Array;

/**
 * Orders of Hadamard matrices whose product is `n`, for a Kronecker product: powers of two (Sylvester) and orders of Paley (12, 20, 28, 36, …); undefined
 * where no such product is known.
 */
export function hadamardOrders(n: number): readonly number[] | undefined {
  if (n === 1) return [];
  let odd = n;
  while (odd % 2 === 0) odd /= 2;
  if (odd === 1) return [2, ...hadamardOrders(n / 2)!]; // a power of two again
  for (let order = 12; order <= Math.min(n, MOST_PALEY); order += 4) {
    const rest = n % order === 0 && isPaley(order) && (order & (order - 1)) !== 0 ? hadamardOrders(n / order) : undefined;
    if (rest) return [order, ...rest];
  }
  return undefined;
}

/** A larger factor is multiplied as a dense matrix, which costs as much as it has rows. */
const MOST_PALEY = 512;

/** A Hadamard matrix of order 2 or of Paley, divided by the root of its order: orthogonal, all entries of one magnitude. */
export function hadamard(order: number): Matrix {
  if (order === 2) return scaled(Float64Array.of(1, 1, 1, -1), order);
  return scaled(isPrime(order - 1) && (order - 1) % 4 === 3 ? paleyFirst(order) : paleySecond(order), order);
}

const scaled = (m: Matrix, order: number): Matrix => m.map((v) => v / Math.sqrt(order));

const isPaley = (order: number): boolean => (isPrime(order - 1) && (order - 1) % 4 === 3) || (isPrime(order / 2 - 1) && (order / 2 - 1) % 4 === 1);

function isPrime(n: number): boolean {
  if (!Number.isInteger(n) || n < 2) return false;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

/** 1 for squares modulo the prime q, −1 for the others, 0 for 0. */
function character(q: number): (x: number) => number {
  const squares = new Set(Array.from({ length: q - 1 }, (_, i) => ((i + 1) * (i + 1)) % q));
  return (x) => {
    const r = ((x % q) + q) % q;
    return r === 0 ? 0 : squares.has(r) ? 1 : -1;
  };
}

/** Paley's first construction, for a prime q = order − 1 that is 3 modulo 4: I + S with S skew. */
function paleyFirst(order: number): Matrix {
  const chi = character(order - 1);
  const at = (i: number, j: number): number => {
    if (i === j) return 1;
    if (i === 0) return 1;
    return j === 0 ? -1 : chi(i - j);
  };
  return Float64Array.from({ length: order * order }, (_, k) => at(Math.floor(k / order), k % order));
}

/** Paley's second construction, for a prime q = order / 2 − 1 that is 1 modulo 4: a symmetric conference matrix, each entry a block of two by two. */
function paleySecond(order: number): Matrix {
  const chi = character(order / 2 - 1);
  const conference = (i: number, j: number): number => (i === j ? 0 : i === 0 || j === 0 ? 1 : chi(i - j));
  const at = (i: number, j: number): number => {
    const [bi, bj, ri, rj] = [i >> 1, j >> 1, i & 1, j & 1];
    if (bi === bj) return ri === 0 && rj === 0 ? 1 : -1;
    return conference(bi, bj) * (ri === 1 && rj === 1 ? -1 : 1);
  };
  return Float64Array.from({ length: order * order }, (_, k) => at(Math.floor(k / order), k % order));
}
