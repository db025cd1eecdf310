import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/* The command line as users have it: built, in a process of its own. */

/** The folder that everything lies in. */
export const HOUSE = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const BIN = join(HOUSE, 'packages/cli/bin/onnxpress.js');

/** Whether there is something to run. */
export const built = existsSync(join(HOUSE, 'packages/cli/dist/main.js'));
/** For titles: what somebody should know who sees the tests skipped. */
export const ifBuilt = built ? '' : ' (skipped: run npm run build first)';

/** How a process ended, with everything it wrote. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command in front: `['unshare', '-rn']`. */
  readonly through?: readonly string[];
  /** Flags of node itself. */
  readonly node?: readonly string[];
  /** Nobody reads standard output: it is closed at once. */
  readonly deaf?: boolean;
}

/** Starts the command line in a folder. Nothing of this process's environment reaches it but where programs and homes lie. */
export function start(cwd: string, argv: readonly string[], { env = {}, through = [], node = [], deaf = false }: CallOptions = {}): Running {
  const [program, ...rest] = [...through, process.execPath, ...node, BIN, ...argv];
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(program!, rest, { cwd, env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  if (deaf) child.stdout.destroy();
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}

/** Runs a whole command and gives how it ended. */
export const onnxpress = (cwd: string, argv: readonly string[], options?: CallOptions): Promise<Ended> => start(cwd, argv, options).ended;
