/** A layer [K, N] with at most so many of its outputs, spread evenly: what is searched or measured on some hundred outputs holds for all. */
export function thinned<L extends { readonly w: Float32Array; readonly k: number; readonly n: number }>(layer: L, most: number): L {
  const { w, k, n } = layer;
  const every = Math.ceil(n / most);
  if (every <= 1) return layer;
  const count = Math.ceil(n / every);
  const kept = new Float32Array(k * count);
  for (let i = 0; i < k; i++) for (let j = 0; j < count; j++) kept[i * count + j] = w[i * n + j * every]!;
  return { ...layer, w: kept, n: count };
}
