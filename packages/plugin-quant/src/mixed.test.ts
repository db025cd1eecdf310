import { passCases } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { gatedBlock, gatedData } from './calibrated/calibrated-cases.ts';
import { mixed } from './mixed.ts';

const data = { calib: gatedData };
const bitsOf = (m: Parameters<typeof mixed.run>[0]): (number | undefined)[] => [...m.nodes()].filter((n) => n.opType === 'MatMulNBits').map((n) => n.int('bits'));

describe('quant/mixed', () => {
  for (const c of passCases(mixed, {
    bound: { relative: 0.25, because: 'two bits are three steps over the range of a block, where a layer can do with them' },
    changes: [
      { name: 'many bits where there is room', model: gatedBlock(), options: { data: 'calib', 'bits-per-weight': 16 }, data, check: (m) => expect(bitsOf(m)).toEqual([8, 8, 8]) },
      { name: 'few where there is none', model: gatedBlock(), options: { data: 'calib', 'bits-per-weight': 4.75, candidates: [4, 8] }, data, check: (m) => expect(bitsOf(m)).toEqual([4, 4, 4]) },
      { name: 'between the two, layer by layer', model: gatedBlock(), options: { data: 'calib', 'bits-per-weight': 6.5, candidates: [4, 8], method: 'gptq' }, data, check: (m) => expect(new Set(bitsOf(m)).size).toBe(2) },
      { name: 'as many as the error asks for', model: gatedBlock(), options: { data: 'calib', 'max-error': 1e-4, method: 'nearest' }, data, check: (m) => expect(bitsOf(m)).toEqual([8, 8, 8]) },
    ],
    keeps: [{ name: 'a model without products', model: '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Relu(x) }', options: { data: 'calib', 'bits-per-weight': 5 }, data }],
    rejects: [{ name: 'bits that nothing stores', options: { data: 'calib', candidates: [5] }, says: /candidates/ }],
  })) test(c.name, c.run);
});
