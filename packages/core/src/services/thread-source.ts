/**
 * What the thread of a session runs, as text: it needs no file of its own, so that it is the same from sources and from bundles.
 *
 * workerData: { library, state }, the path of onnxruntime-node and two numbers shared with the caller: how many messages are not done yet, and the sign
 * that nobody waits any more. In: { id, act, … }. Out: { id, value } or { id, error }. What goes out is given away, not copied, where the runtime lets it go.
 */
export const THREAD_SOURCE = `'use strict';
const { parentPort, workerData: { library, state } } = require('node:worker_threads');
const OPEN = 0, STOP = 1;
let ort, session;

async function made({ feeds, fetch, options }) {
  const given = {};
  for (const [name, { dtype, dims, data }] of Object.entries(feeds)) given[name] = new ort.Tensor(dtype, data, dims);
  const start = performance.now();
  const outputs = await session.run(given, fetch, options);
  return { outputs, ms: performance.now() - start };
}

const acts = {
  async load({ path, options }) {
    ort ??= require(library);
    session = await ort.InferenceSession.create(path, options);
    return { inputs: session.inputNames, outputs: session.outputNames };
  },
  async run(call) {
    const { outputs, ms } = await made(call);
    return { ms, outputs: Object.fromEntries(Object.entries(outputs).map(([name, { type, dims, data }]) => [name, { dtype: type, dims, data }])) };
  },
  async time(call) {
    return (await made(call)).ms;
  },
  async release() {
    const last = session;
    session = undefined;
    await last?.release();
  },
  async providers() {
    ort ??= require(library);
    return ort.listSupportedBackends().filter(({ bundled }) => bundled).map(({ name }) => name);
  },
};

function answer(message) {
  const buffers = new Set(Object.values(message.value?.outputs ?? {}).flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer] : [])));
  try {
    parentPort.postMessage(message, [...buffers]);
  } catch {
    parentPort.postMessage(message); // memory that is not this thread's to give away
  }
}

parentPort.on('message', async ({ id, act, ...call }) => {
  try {
    if (Atomics.load(state, STOP)) throw new Error('Nobody waits for this any more.');
    answer({ id, value: await acts[act](call) });
  } catch (error) {
    parentPort.postMessage({ id, error: error instanceof Error ? error : new Error(String(error)) });
  } finally {
    Atomics.sub(state, OPEN, 1);
    Atomics.notify(state, OPEN);
    if (Atomics.load(state, STOP)) parentPort.close();
  }
});
`;
