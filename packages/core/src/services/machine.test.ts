import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { featuresIn, flagsIn, fromSysctl, machine } from './machine.ts';

test('of an x86 cpuinfo, the flags of the first processor count', () => {
  const cpuinfo = 'processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse4_1 sse4_2 avx avx2 fma f16c avx512f avx512_vnni\nvmx flags\t: vnmi\n\nprocessor\t: 1\nflags\t\t: fpu amx_int8\n';
  expect(featuresIn(flagsIn(cpuinfo))).toEqual(['avx', 'avx2', 'avx512_vnni', 'avx512f', 'f16c', 'fma', 'sse4_1']);
});

test('of an ARM cpuinfo, the features count, under our names', () => {
  expect(featuresIn(flagsIn('processor\t: 0\nFeatures\t: fp asimd evtstrm asimddp i8mm bf16\n'))).toEqual(['asimddp', 'i8mm', 'neon']);
});

test('of macOS, both ways of saying it count', () => {
  expect(featuresIn(fromSysctl('machdep.cpu.features: FPU SSE4.1 AVX1.0 FMA F16C\nmachdep.cpu.leaf7_features: AVX2 SGX\n'))).toEqual(['avx', 'avx2', 'f16c', 'fma', 'sse4_1']);
  expect(featuresIn(fromSysctl('hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0\nhw.optional.AdvSIMD: 1\nhw.optional.neon: 1\n'))).toEqual(['asimddp', 'neon']);
});

test('what is not said is not guessed', () => {
  expect(featuresIn(flagsIn(''))).toEqual([]);
});

test('this machine has a name, cores and a platform', () => {
  const here = machine();
  expect(here.cpu).not.toBe('');
  expect([here.cores, here.platform]).toEqual([availableParallelism(), `${process.platform}-${process.arch}`]);
  expect([...here.features]).toEqual([...here.features].sort());
});
