import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { built, HOUSE, ifBuilt } from '../testing/cli.ts';
import { countedRun, faulty, spread } from '../testing/faults.ts';
import { canMount, ifAllowed, withMounts } from '../testing/namespaces.ts';
import type { Project } from '../testing/project.ts';
import { LARGER, RECIPE, tinyProject } from '../testing/tiny.ts';
import { refused } from './refused.ts';

const OUTPUT = 'result/tiny.onnx';
/** Some twenty processes, on a machine that does other things too. */
const MANY_RUNS_MS = 180_000;
const MISSING = /error disk-full: No space is left on the disk for \S+: it needs [\d.]+ kB, and [\d.]+ k?B are free, so [\d.]+ k?B are missing\.\n {2}Free some space/;

let project: Project;
beforeEach(async () => {
  project = await tinyProject(RECIPE, LARGER);
});
afterEach(() => project.remove());

describe.skipIf(!built)(`a disk that is full${ifBuilt}`, () => {
  describe.skipIf(!canMount)(`in truth${ifAllowed(canMount)}`, () => {
    test('where the result should go: what is missing is told, the old result stays, and with room the run goes on', async () => {
      const { full, later } = await runTwiceOn('result', 28);
      expect([full.code, full.stderr]).toEqual(['3', expect.stringMatching(MISSING)]);
      expect(full.stderr).toContain(OUTPUT);
      expect([full.old, full.files]).toEqual(['old', ['filler', 'tiny.onnx']]);
      expect([later.code, later.stdout]).toEqual(['0', expect.stringMatching(/quant\/dynamic +cached/)]);
    });

    test('where the cache lies: the same', async () => {
      const { full, later } = await runTwiceOn('.onnxpress/cache', 28);
      expect([full.code, full.stderr]).toEqual(['3', expect.stringMatching(MISSING)]);
      expect([full.old, full.files.filter((f) => f.endsWith('.tmp'))]).toEqual(['old', []]);
      expect([later.code, later.stdout]).toEqual(['0', expect.stringMatching(/fusion\/simplify +cached/)]);
    });

    test('a folder that cannot be written: which, and what to do', async () => {
      const readOnly = withMounts(`mount --bind result result && mount -o remount,bind,ro result && exec "$@"`);
      expect(await refused(project, 3, 'run', { through: readOnly })).toMatch(/error no-access: .*result.* may not be written.*\n.*choose another path/);
    });
  });

  test('met at any change that takes room: exit code 3, the old result stays, nothing is left, and the next run passes', async () => {
    const { growths } = await countedRun(project);
    expect(growths).toBeGreaterThan(10);
    for (const n of spread(8, growths)) {
      const other = await tinyProject(RECIPE, LARGER);
      try {
        const said = await refused(other, 3, 'run', faulty(other, 'ENOSPC', n));
        expect(said, `change ${n}`).toContain('error disk-full');
        expect((await other.run('run')).code, `after change ${n}`).toBe(0);
      } finally {
        other.remove();
      }
    }
  }, MANY_RUNS_MS);
});

/** Runs on a disk of so many kilobytes, mounted at `folder`, that is nearly full, and again after room was made. */
async function runTwiceOn(folder: string, kilobytes: number): Promise<{ full: Outcome & { old: string; files: string[] }; later: Outcome }> {
  project.write('result/keep', '').write('.onnxpress/cache/keep', '');
  const run = `"$@" run`;
  const script = `
    mount -t tmpfs -o size=${kilobytes}k tmpfs ${folder} && mkdir said && printf old > ${OUTPUT} && head -c ${(kilobytes - 16) * 1024} /dev/zero > ${folder}/filler || exit 99
    ${run} > said/full.stdout 2> said/full.stderr; printf $? > said/full.code
    cat ${OUTPUT} > said/old; find ${folder} -type f > said/files
    rm ${folder}/filler
    mount -o remount,size=1m ${folder}
    ${run} > said/later.stdout 2> said/later.stderr; printf $? > said/later.code`;
  const { code, stderr } = await project.run('', { through: withMounts(script) });
  expect([code, stderr]).toEqual([0, '']);
  const read = (name: string): string => project.bytes(`said/${name}`).toString();
  const outcome = (name: string): Outcome => ({ code: read(`${name}.code`), stdout: read(`${name}.stdout`), stderr: read(`${name}.stderr`).replaceAll(HOUSE, '') });
  const files = read('files').trimEnd().split('\n').map((f) => f.slice(folder.length + 1)).sort();
  return { full: { ...outcome('full'), old: read('old'), files }, later: outcome('later') };
}

interface Outcome {
  readonly code: string;
  readonly stdout: string;
  readonly stderr: string;
}
