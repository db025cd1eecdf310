import assert from 'node:assert/strict';

/** One test, for any runner: `for (const c of passCases(…)) test(c.name, c.run)`. */
export interface RunnableCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Collects cases and insists that each has a name of its own. */
export class Cases {
  readonly all: RunnableCase[] = [];

  add(name: string, run: () => void | Promise<void>): void {
    assert(!this.all.some((c) => c.name === name), `Two cases are called "${name}". Give each a name of its own, or it cannot be told which one fails.`);
    this.all.push({ name, run: async () => run() });
  }
}
