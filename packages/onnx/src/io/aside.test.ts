import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { float32s } from '../ir/values.ts';
import { Aside } from './aside.ts';

test('tensors read the same from the disk, after the file is given up too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnxpress-aside-'));
  try {
    const aside = new Aside(join(folder, 'deeper'));
    const [a, b] = [aside.put(float32s([3], Float32Array.of(1, -0, NaN))), aside.put(float32s([2, 1], Float32Array.of(4, 5)))];
    aside.dispose();
    expect([...new Float32Array(a.bytes().buffer)]).toEqual([1, -0, NaN]);
    expect([b.dims, [...new Float32Array(b.bytes().buffer)]]).toEqual([[2, 1], [4, 5]]);
    expect(readdirSync(join(folder, 'deeper'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
