import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Machine } from './tokens.ts';

/** The features that decide how numbers are computed: which int8 and float kernels a runtime picks. Others change nothing and are left out, so that keys are shared where they may be. */
const THAT_MATTER: ReadonlySet<string> = new Set(['sse4_1', 'avx', 'avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'fma', 'f16c', 'neon', 'asimddp', 'i8mm']);

/** Other names of the same features: of Linux on ARM, and of macOS. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  asimd: 'neon', 'sse4.1': 'sse4_1', 'avx1.0': 'avx', 'avx2.0': 'avx2', avx512vnni: 'avx512_vnni', avxvnni: 'avx_vnni', advsimd: 'neon', feat_dotprod: 'asimddp', feat_i8mm: 'i8mm',
};

/** The processor of this computer. Where the system does not say what it can do, the features are empty, and never guessed. */
export function machine(): Machine {
  const cpu = cpus()[0]?.model.trim();
  let features: readonly string[] | undefined;
  return {
    cpu: cpu === undefined || cpu === '' ? process.arch : cpu,
    // Found out when asked for: on macOS that takes a process.
    get features(): readonly string[] {
      return (features ??= featuresIn(flags()));
    },
    cores: availableParallelism(),
    platform: `${process.platform}-${process.arch}`,
  };
}

/** Those that matter among a system's words for a processor's features, sorted. */
export function featuresIn(flagWords: string): readonly string[] {
  const words = flagWords.toLowerCase().split(/\s+/).map((w) => ALSO_CALLED[w] ?? w);
  return [...new Set(words)].filter((w) => THAT_MATTER.has(w)).sort();
}

function flags(): string {
  try {
    if (process.platform === 'linux') return flagsIn(readFileSync('/proc/cpuinfo', 'utf8'));
    if (process.platform === 'darwin') return fromSysctl(execFileSync('sysctl', ['-a', 'machdep.cpu', 'hw.optional'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 2000 }));
  } catch {
    // A container without /proc, or a system without sysctl: features are then unknown.
  }
  return '';
}

/** The flags of the first processor of a cpuinfo: "flags" on x86, "Features" on ARM. */
export const flagsIn = (cpuinfo: string): string => /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';

/** Intel lists words under machdep.cpu.features, and Apple says `hw.optional.arm.FEAT_DotProd: 1`. */
export function fromSysctl(output: string): string {
  const intel = [...output.matchAll(/^machdep\.cpu\.(?:leaf7_)?features: (.*)$/gm)].map((m) => m[1]!);
  const apple = [...output.matchAll(/^hw\.optional\.(?:arm\.)?(\w+): 1$/gm)].map((m) => m[1]!);
  return [...intel, ...apple].join(' ');
}
