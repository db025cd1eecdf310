/**
 * What a worker runs, as text: it needs no file of its own, so that it is the same from sources and from bundles. It instantiates the module on the memory
 * of the process, then takes tasks by a shared counter until none is left or somebody says stop.
 *
 * workerData: { module, memory }. In: { tasks, scratch, shared }, where `shared` holds the number of the next task and the sign to stop, and `scratch` is
 * this worker's own range. Out: { task, values } for each task that is done, then { finished: true }, or { error }.
 */
export const WORKER_SOURCE = `'use strict';
const { parentPort, workerData: { module: compiled, memory } } = require('node:worker_threads');
const { readSync, writeSync } = require('node:fs');

const kernels = new WebAssembly.Instance(compiled, { env: { memory, abort() { throw new Error('A kernel stopped itself.'); } } }).exports;
const callable = { ...kernels, readFile, readRows, writeFile };

function readFile(descriptor, position, pointer, bytes) {
  const into = new Uint8Array(memory.buffer, pointer, bytes);
  for (let done = 0; done < bytes;) {
    const count = readSync(descriptor, into, done, bytes - done, position + done);
    if (count === 0) throw new Error('The file ends at ' + (position + done) + ', and ' + (bytes - done) + ' bytes more were to be read. Was it changed meanwhile?');
    done += count;
  }
}

function readRows(descriptor, position, stride, rows, pointer, bytes) {
  for (let row = 0; row < rows; row++) readFile(descriptor, position + row * stride, pointer + row * bytes, bytes);
}

function writeFile(descriptor, position, pointer, bytes) {
  const from = new Uint8Array(memory.buffer, pointer, bytes);
  for (let done = 0; done < bytes;) done += writeSync(descriptor, from, done, bytes - done, position + done);
}

parentPort.on('message', ({ tasks, scratch, shared }) => {
  const state = new Int32Array(shared), NEXT = 0, STOP = 1;
  try {
    for (let task = Atomics.add(state, NEXT, 1); task < tasks.length; task = Atomics.add(state, NEXT, 1)) {
      const values = [];
      for (const [kernel, ...parameters] of tasks[task]) {
        if (Atomics.load(state, STOP)) break;
        values.push(callable[kernel](...parameters.map((p) => (typeof p === 'number' ? p : scratch + p.scratch))));
      }
      if (Atomics.load(state, STOP)) break;
      parentPort.postMessage({ task, values });
    }
    parentPort.postMessage({ finished: true });
  } catch (error) {
    Atomics.store(state, STOP, 1);
    parentPort.postMessage({ error });
  }
});
`;
