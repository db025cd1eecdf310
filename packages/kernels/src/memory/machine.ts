import { KernelError } from '../error.ts';
import { KERNELS_WASM, type RawKernels } from '../kernels.wasm.gen.ts';
import { Allocator } from './allocator.ts';
import { type CompiledModule, type SharedMemory, wasm } from './webassembly.ts';

const PAGE = 65536;
/** One less than WebAssembly has: no pointer that a kernel computes may wrap around. */
const MOST_PAGES = 65535;
/** The module's constants are in the first page. */
const FIRST = PAGE;
/** Kernels may read this far beyond their operands. */
const READ_AHEAD = 64;
/** Memory grows by at least this, so that it grows rarely. */
const GROWTH = 8 * 2 ** 20;

/** The memory of this process's kernels, the module on it, and who hands out its ranges. */
export interface Machine {
  readonly memory: SharedMemory;
  readonly kernels: RawKernels;
  readonly allocator: Allocator;
}

let running: Machine | undefined;
let compiled: CompiledModule | undefined;

/** The machine of this thread; made when it is first asked for. */
export function machine(): Machine {
  running ??= grown(new wasm.Memory({ initial: 2, maximum: MOST_PAGES, shared: true }));
  return running;
}

/**
 * For a worker, before it calls any kernel: it computes on the memory of another thread, and what its own calls need is taken from the range
 * [start, start + bytes), which that thread has allocated for it.
 */
export function joinMachine(memory: SharedMemory, start: number, bytes: number): void {
  if (running !== undefined) throw new Error('This thread has its kernels already: join the machine before the first call of one.');
  running = { memory, kernels: instantiate(memory), allocator: new Allocator(start, start + bytes) };
}

function grown(memory: SharedMemory): Machine {
  const grow = (bytes: number): number => {
    const size = memory.buffer.byteLength;
    const room = MOST_PAGES - size / PAGE;
    const needed = Math.ceil(bytes / PAGE);
    if (needed > room) return 0;
    const pages = Math.min(room, Math.max(needed, GROWTH / PAGE));
    try {
      memory.grow(pages);
    } catch {
      return 0; // the system has no more address space to give
    }
    return pages * PAGE;
  };
  return { memory, kernels: instantiate(memory), allocator: new Allocator(FIRST, memory.buffer.byteLength - READ_AHEAD, grow) };
}

function instantiate(memory: SharedMemory): RawKernels {
  compiled ??= new wasm.Module(Buffer.from(KERNELS_WASM, 'base64'));
  const { exports } = new wasm.Instance(compiled, { env: { memory, abort } });
  return exports as RawKernels; // the generated file holds the module and its types together
}

function abort(): never {
  throw new Error('A kernel stopped itself.');
}

/** A range of the machine's memory, or `out-of-memory`. */
export function allocate(bytes: number): number {
  const pointer = machine().allocator.allocate(bytes);
  if (pointer === undefined) throw new KernelError('out-of-memory', `No room for ${bytes} bytes more in the 4 GiB of the kernels. Release arenas that are no longer read, or work on smaller pieces`);
  return pointer;
}
