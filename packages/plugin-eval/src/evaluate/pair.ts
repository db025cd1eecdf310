import type { Context, Model, Session } from '@onnxpress/core';

/** Something of the original, and the same of the result. */
export type Pair<T> = readonly [original: T, result: T];

/** Loads both models as the recipe wants them run, and frees them whatever happens. */
export async function withSessions<T>(models: { readonly original: Model; readonly result: Model }, ctx: Context, use: (sessions: Pair<Session>) => Promise<T>): Promise<T> {
  const original = await ctx.runtime.load(models.original, { ...ctx.settings });
  try {
    const result = await ctx.runtime.load(models.result, { ...ctx.settings });
    try {
      return await use([original, result]);
    } finally {
      await result.dispose();
    }
  } finally {
    await original.dispose();
  }
}
