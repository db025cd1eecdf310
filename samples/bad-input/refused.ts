import { expect } from 'vitest';
import type { CallOptions } from '../testing/cli.ts';
import type { Project } from '../testing/project.ts';

/** What lies at the recipe's output before a run that must fail. */
const OLD = 'what was here before';
const OUTPUT = 'result/tiny.onnx';

/**
 * Runs a command that must fail, and gives what it said to a person. What every failure owes is looked at here: the exit code, the old output, nothing
 * half-written, nothing on standard output, and words instead of a stack.
 */
export async function refused(project: Project, code: number, command = 'run', options?: CallOptions): Promise<string> {
  project.write(OUTPUT, OLD);
  const ended = await project.run(command, options);
  expect(ended, ended.stderr).toMatchObject({ code });
  expect(project.bytes(OUTPUT).toString()).toBe(OLD);
  expect(project.leftovers()).toEqual([]);
  expect(ended.stderr).not.toMatch(/^ +at |error internal/m);
  return ended.stderr;
}
