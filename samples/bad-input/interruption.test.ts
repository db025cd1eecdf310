import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { built, ifBuilt } from '../testing/cli.ts';
import { countedRun, faulty, spread } from '../testing/faults.ts';
import type { Project } from '../testing/project.ts';
import { tinyProject } from '../testing/tiny.ts';

const OUTPUT = 'result/tiny.onnx';
/** Some twenty processes, on a machine that does other things too. */
const MANY_RUNS_MS = 180_000;

let project: Project;
beforeEach(async () => {
  project = await tinyProject();
});
afterEach(() => project.remove());

describe.skipIf(!built)(`a run that is stopped${ifBuilt}`, () => {
  test('Ctrl-C ends it with 130 and leaves nothing; the next run goes on from what was finished', async () => {
    project.write('hold', '').write(OUTPUT, 'old');
    const running = project.start('run');
    await project.arrived(1);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stderr: 'Interrupted. What is finished is kept: the next run goes on from there.\n' });
    expect([project.bytes(OUTPUT).toString(), project.leftovers()]).toEqual(['old', []]);
    const next = await project.delete('hold').run('run');
    expect(next).toMatchObject({ code: 0, stdout: expect.stringMatching(/fusion\/simplify +cached/) as string });
  });

  test('Ctrl-C with --json is told as JSON', async () => {
    const running = project.write('hold', '').start('run --json');
    await project.arrived(1);
    running.kill('SIGINT');
    const { code, stdout } = await running.ended;
    expect([code, JSON.parse(stdout)]).toMatchObject([130, { ok: false, diagnostics: [{ code: 'interrupted' }] }]);
  });

  test('killed at any of its changes on the disk, it leaves the old output or the new one, and the next run gives the same bytes', async () => {
    const { ended, changes } = await countedRun(project);
    expect([ended.code, changes > 20]).toEqual([0, true]);
    const whole = project.bytes(OUTPUT);
    for (const n of spread(10, changes)) {
      const other = (await tinyProject()).write(OUTPUT, 'old');
      try {
        expect(await other.run('run', faulty(other, 'kill', n)), `change ${n}`).toMatchObject({ signal: 'SIGKILL' });
        expect(['old', whole.toString('latin1')], `after change ${n}`).toContain(other.bytes(OUTPUT).toString('latin1'));
        expect(await other.run('run'), `after change ${n}`).toMatchObject({ code: 0, stderr: '' });
        expect(other.bytes(OUTPUT).equals(whole), `after change ${n}`).toBe(true);
        expect(other.leftovers().filter((f) => !f.startsWith('.onnxpress/')), `after change ${n}`).toEqual([]); // a store forgets its own after a day
      } finally {
        other.remove();
      }
    }
  }, MANY_RUNS_MS);

  test('killed while a pass is at work, the next run takes what was finished', async () => {
    const running = project.write('hold', '').start('run');
    await project.arrived(1);
    running.kill('SIGKILL');
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
    expect((await project.delete('hold').run('run')).stdout).toMatch(/fusion\/simplify +cached/);
  });

  test('two runs at once on one cache both pass, and give the same bytes', async () => {
    project.write('hold', '');
    const running = [project.start('run --out a/tiny.onnx'), project.start('run --out b/tiny.onnx')];
    await project.arrived(2);
    project.delete('hold');
    const ended = await Promise.all(running.map((r) => r.ended));
    expect(ended).toMatchObject([{ code: 0, stderr: '' }, { code: 0, stderr: '' }]);
    expect(project.bytes('a/tiny.onnx').equals(project.bytes('b/tiny.onnx'))).toBe(true);
    expect(project.leftovers()).toEqual([]);
  });

  test('two runs at once that write the same output both pass', async () => {
    project.write('hold', '');
    const running = [project.start('run'), project.start('run')];
    await project.arrived(2);
    project.delete('hold');
    expect(await Promise.all(running.map((r) => r.ended))).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(project.leftovers()).toEqual([]);
  });
});
