import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { OnnxError } from '@onnxpress/onnx';
import { TextError } from '@onnxpress/text';
import * as say from './catalogue.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isInterruption, RecipeError, RunError } from './errors.ts';

/** Who was at work when something was thrown. Steps count from 1. */
export interface Doing {
  readonly use?: string | undefined;
  readonly step?: number | undefined;
  /** What was being written, and how large it is, so that a full disk can be told in numbers. */
  readonly path?: string | undefined;
  readonly bytes?: number | undefined;
}

/**
 * What to throw on for whatever was thrown: a RunError with the step and the pass in front, and the first error as its cause.
 * Recipe errors and interruptions pass unchanged; so does a RunError that already says what it is about.
 */
export function asRunError(thrown: unknown, doing: Doing = {}): Error {
  if (thrown instanceof RecipeError || thrown instanceof RunError) return thrown;
  if (thrown instanceof Error && isInterruption(thrown)) return thrown;
  return new RunError(diagnose(thrown, doing), { cause: thrown });
}

function diagnose(thrown: unknown, doing: Doing): Diagnostic {
  const known = ofSystem(thrown, doing) ?? ofLibrary(thrown);
  if (known) return doing.use === undefined ? known : { ...known, message: say.pluginFailed(doing.use, doing.step, known.message).message };
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return doing.use === undefined ? say.internal(problem) : say.pluginFailed(doing.use, doing.step, problem);
}

/** Libraries below make their own messages, with their own codes. */
function ofLibrary(thrown: unknown): Diagnostic | undefined {
  const ours = thrown instanceof OnnxError || thrown instanceof TextError;
  if (!ours) return undefined;
  const below = ofSystem(thrown.cause, {});
  return { code: below?.code ?? thrown.code, severity: 'error', message: thrown.message, hint: below?.hint };
}

const NETWORK = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET']);

function ofSystem(thrown: unknown, doing: Doing): Diagnostic | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const code = codeOf(thrown) ?? codeOf(thrown.cause);
  const path = doing.path ?? pathOf(thrown) ?? 'a file';
  if (code !== undefined && FULL.has(code)) return say.diskFull(path, doing.bytes, freeBytes(path));
  if (code === 'ENOENT') return say.noSuchFile(path);
  if (code === 'EACCES' || code === 'EPERM') return say.noAccess(path, syscallOf(thrown) === 'open' && doing.path === undefined ? 'read' : 'write');
  if (code === 'EROFS') return say.noAccess(path, 'write');
  if (code !== undefined && NETWORK.has(code)) return say.networkFailed(path === 'a file' ? 'A file' : path, thrown.cause instanceof Error ? thrown.cause.message : thrown.message);
  return undefined;
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** What to throw on where a disk that is full can be told in numbers: what was being written, and how many bytes it has. Anything else is given back as it is. */
export function ifDiskFull(thrown: unknown, path: string, bytes: () => number | undefined): unknown {
  const code = codeOf(thrown instanceof OnnxError ? thrown.cause : thrown);
  return code !== undefined && FULL.has(code) ? new RunError(say.diskFull(path, bytes(), freeBytes(path)), { cause: thrown }) : thrown;
}

const codeOf = (x: unknown): string | undefined => (typeof x === 'object' && x !== null && 'code' in x && typeof x.code === 'string' ? x.code : undefined);
const pathOf = (x: object): string | undefined => ('path' in x && typeof x.path === 'string' ? x.path : undefined);
const syscallOf = (x: object): string | undefined => ('syscall' in x && typeof x.syscall === 'string' ? x.syscall : undefined);

/** Bytes free where `path` is or would be; undefined where the system does not say. */
export function freeBytes(path: string): number | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}
