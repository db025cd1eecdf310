import { CommanderError, type Command } from 'commander';
import type { Host } from './host.ts';
import { program } from './program.ts';
import { Shell } from './shell.ts';
import { version } from './version.ts';

/**
 * Runs the command line: `argv` without node and script. Never throws, and resolves to the exit code: 0 passed, 1 a gate failed, 2 the recipe or
 * the call is wrong, 3 the model, the runtime, a plugin, the disk or the network failed, 130 interrupted.
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  const shell = new Shell(host);
  shell.json = argv.includes('--json'); // until a command has been found, mistakes in the call included
  let code: number | undefined;
  const root = program(shell, version(), (ended) => {
    code = ended;
  });
  for (const command of allOf(root)) speakThrough(command, shell);
  try {
    if (argv.length === 0) {
      root.outputHelp();
      return 0;
    }
    await root.parseAsync([...argv], { from: 'user' });
    if (code !== undefined) return code;
    throw new Error('A command ended without saying how.');
  } catch (e) {
    const { reportFailure, reportBadCall } = await import('./failure.ts');
    if (!(e instanceof CommanderError)) return reportFailure(e, shell);
    return e.exitCode === 0 ? 0 : reportBadCall(e.message, root, argv, shell);
  }
}

/** Help goes through the host, mistakes become diagnostics, and nobody exits but the host. */
function speakThrough(command: Command, shell: Shell): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void shell.host.stdout.write(text),
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => shell.host.stdout.columns ?? 100,
    getOutHasColors: () => shell.colors.enabled,
  });
}

function* allOf(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* allOf(sub);
}
