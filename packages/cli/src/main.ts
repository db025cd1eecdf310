import module from 'node:module';

/* The process: everything here touches it, nothing else does. */

// Compiled code is kept between runs where Node can (22.1 and later); types of Node 20 do not know it.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();

/** What an unexpected end means: whatever goes wrong from here on, it is never 0. */
const FAILED = 3;
const INTERRUPTED = 130;
/** How long a finished process may wait for what plugins have left open. */
const LINGER_MS = 2000;

process.exitCode = FAILED;
process.on('uncaughtException', die);
process.on('unhandledRejection', die);
// A reader that has gone (`| head`) is no reason to stop or to complain: the result is still to be written.
for (const stream of [process.stdout, process.stderr]) stream.on('error', (e: NodeJS.ErrnoException) => (e.code === 'EPIPE' ? undefined : die(e)));

const interruption = new AbortController();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    interruption.abort();
  });
}

let ended = false;
process.on('exit', () => {
  if (!ended && interrupted) process.exitCode = INTERRUPTED;
  else if (!ended) process.stderr.write('error internal: The work stopped before it was done: something waits for a promise that nobody will settle.\n  This is a mistake in the plugin that was at work, or in onnxpress; please report it.\n');
});

const { main } = await import('./cli.ts');
const code = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  get stdin() {
    return process.stdin; // touched only where a question is asked
  },
  cwd: process.cwd(),
  env: process.env,
  signal: interruption.signal,
});
ended = true;
process.exitCode = code;
setTimeout(() => process.exit(code), LINGER_MS).unref();

function die(e: unknown): void {
  ended = true;
  process.stderr.write(`error internal: Something went wrong that should not: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n  This is a mistake in onnxpress or in a plugin; please report it.\n`);
  process.exit(FAILED);
}
