/** Memory that several threads share. */
export interface SharedMemory {
  /** A new object after each growth; arrays on the old one keep working. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB, and throws where the system or the maximum does not allow it. */
  grow(pages: number): number;
}

/** A compiled module, which may be sent to workers. */
export type CompiledModule = object;

interface WebAssemblyApi {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => CompiledModule;
  readonly Instance: new (module: CompiledModule, imports: Record<string, Record<string, unknown>>) => { readonly exports: unknown };
}

/** The part of the global WebAssembly that kernels use: TypeScript declares it only together with the DOM. */
export const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
