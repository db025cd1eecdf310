import { FILE_CALLS_SOURCE } from './file-calls.ts';

/**
 * What a worker runs, as text: it needs no file of its own, so that it is the same from sources and from bundles. It instantiates the module on the memory
 * of the process, then takes tasks by a shared counter until none is left or somebody says stop.
 *
 * workerData: { module, memory }. In: { tasks, scratch, shared }, where `shared` holds the number of the next task and the sign to stop, and `scratch` is
 * this worker's own range. Out: { task, values } for each task that is done, then { finished: true }, or { error, facts }, the facts being what the system says
 * of an error beside its message, which a copy of it would lack.
 */
export const WORKER_SOURCE = `'use strict';
const { parentPort, workerData: { module: compiled, memory } } = require('node:worker_threads');
${FILE_CALLS_SOURCE}
const kernels = new WebAssembly.Instance(compiled, { env: { memory, abort() { throw new Error('A kernel stopped itself.'); } } }).exports;

parentPort.on('message', async ({ tasks, scratch, shared }) => {
  const state = new Int32Array(shared), NEXT = 0, STOP = 1;
  const files = fileCalls(memory);
  const callable = { ...kernels, ...files.calls };
  let report = { finished: true };
  try {
    for (let task = Atomics.add(state, NEXT, 1); task < tasks.length; task = Atomics.add(state, NEXT, 1)) {
      const values = [];
      for (const [kernel, ...parameters] of tasks[task]) {
        if (Atomics.load(state, STOP)) break;
        const value = callable[kernel](...parameters.map((p) => (typeof p === 'number' ? p : scratch + p.scratch)));
        values.push(value instanceof Promise ? await value : value);
      }
      if (Atomics.load(state, STOP)) break;
      parentPort.postMessage({ task, values });
    }
  } catch (error) {
    Atomics.store(state, STOP, 1);
    report = { error, facts: { ...error } };
  }
  await files.close();
  parentPort.postMessage(report);
});
`;
