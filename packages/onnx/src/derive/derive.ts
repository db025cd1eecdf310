import { byteLengthOf, countOf, type DType } from '../ir/dtype.ts';
import { fromReader, memoryTensor, type Tensor } from '../ir/tensor.ts';
import { enqueue, type Job } from './queue.ts';

/** A place in an open file. */
export interface Target {
  readonly descriptor: number;
  readonly position: number;
}

/** Several tensors that come out of one computation. */
export interface Derivation<K extends string> {
  readonly outputs: Readonly<Record<K, { readonly dtype: DType; readonly dims: readonly number[] }>>;
  /** All of them, in memory. The same bytes each time. */
  compute(): Readonly<Record<K, ArrayBufferView>>;
  /** The same from file to file, for the outputs that have a target. Without it they are always computed in memory. */
  stream?: ((targets: Readonly<Partial<Record<K, Target>>>) => Omit<Job, 'signal'>) | undefined;
}

interface Request<K> {
  readonly output: K;
  readonly target: Target;
  readonly signal: AbortSignal | undefined;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

/**
 * The outputs of a derivation as tensors. What is read is computed in memory, all outputs at once, and held weakly; what is written to a file is made
 * from file to file by the workers, once for all outputs that are asked for in the same turn of the event loop.
 */
export function derived<K extends string>({ outputs, compute, stream }: Derivation<K>): Readonly<Record<K, Tensor>> {
  let last: WeakRef<Readonly<Record<K, ArrayBufferView>>> | undefined;
  const computed = (): Readonly<Record<K, ArrayBufferView>> => {
    const known = last?.deref();
    if (known) return known;
    const fresh = compute();
    last = new WeakRef(fresh);
    return fresh;
  };
  const read = (output: K, into: Uint8Array, offset: number): number => memoryTensor(outputs[output].dtype, outputs[output].dims, computed()[output]).read(into, offset);
  return derivedInPieces({ outputs, read, stream });
}

/** The same for what can be read from anywhere on: `read` has the contract of Tensor.read. */
export function derivedInPieces<K extends string>({ outputs, read, stream }: Omit<Derivation<K>, 'compute'> & { readonly read: (output: K, into: Uint8Array, offset: number) => number }): Readonly<Record<K, Tensor>> {
  let requests: Request<K>[] = [];
  const gather = (request: Request<K>): void => {
    requests.push(request);
    if (requests.length > 1) return;
    setImmediate(() => {
      const all = requests;
      requests = [];
      const targets = Object.fromEntries(all.map((r) => [r.output, r.target])) as Partial<Record<K, Target>>; // the keys are outputs
      enqueue({ ...stream!(targets), signal: all[0]!.signal }).then(
        () => all.forEach((r) => r.done()),
        (cause: unknown) => all.forEach((r) => r.failed(cause)),
      );
    });
  };
  const tensor = (output: K): Tensor => {
    const { dtype, dims } = outputs[output];
    const plain = fromReader(dtype, dims, byteLengthOf(dtype, countOf(dims)), (into, offset) => read(output, into, offset));
    if (!stream) return plain;
    return { ...plain, writeTo: (descriptor, position, signal) => new Promise((done, failed) => gather({ output, target: { descriptor, position }, signal, done, failed })) };
  };
  return Object.fromEntries((Object.keys(outputs) as K[]).map((k) => [k, tensor(k)])) as Record<K, Tensor>; // one for each key
}
