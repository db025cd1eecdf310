import { createInterface } from 'node:readline/promises';
import type { Shell } from './shell.ts';

export interface Question {
  readonly text: string;
  /** What an empty answer means. */
  readonly preset: string;
  /** Answers that are allowed, with what each means; any text where there are none. */
  readonly choices?: Readonly<Record<string, string>>;
}

/** Asks a person, one question after the other; anything but an allowed answer is asked again. Ctrl-C and the end of the input interrupt. */
export async function ask(shell: Shell, question: Question): Promise<string> {
  const { stdin, signal } = shell.host;
  if (!stdin) return question.preset;
  const { colors } = shell;
  const lines = createInterface({ input: stdin, output: shell.host.stdout as NodeJS.WritableStream, terminal: true }); // only asked where stdout is a terminal
  const stop = new AbortController();
  lines.once('SIGINT', () => stop.abort());
  lines.once('close', () => stop.abort());
  const choices = Object.entries(question.choices ?? {});
  const listed = choices.map(([answer, means]) => `    ${colors.bold(answer.padEnd(8))} ${means}\n`).join('');
  try {
    for (;;) {
      const answer = (await lines.question(`${colors.bold(question.text)}\n${listed}  ${colors.dim(`[${question.preset}]`)} `, { signal: AbortSignal.any([signal, stop.signal]) })).trim();
      if (answer === '') return question.preset;
      if (choices.length === 0 || question.choices?.[answer] !== undefined) return answer;
      shell.note(`  "${answer}" is none of ${choices.map(([a]) => a).join(', ')}.`);
    }
  } finally {
    lines.removeAllListeners('close');
    lines.close();
  }
}
