import { isAbsolute, relative, resolve } from 'node:path';
import type { Diagnostic, ModelFacts } from '@onnxpress/core';
import { colorsFor, wantsColors, type Colors } from './colors.ts';
import type { Host } from './host.ts';
import { json } from './json.ts';

/** The flags that every command has. */
export interface GlobalFlags {
  readonly color?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** What a command works with: its process, and how to speak to a person. */
export class Shell {
  readonly host: Host;
  /** Whether standard output is JSON and nothing else. */
  json = false;
  #flags: GlobalFlags = {};

  constructor(host: Host) {
    this.host = host;
  }

  set flags(flags: GlobalFlags) {
    this.#flags = flags;
  }

  /** Whether stacks are shown. */
  get verbose(): boolean {
    return this.#flags.verbose === true || Boolean(this.host.env['DEBUG']);
  }

  get colors(): Colors {
    return this.colorsOf(this.host.stdout);
  }

  colorsOf(stream: Host['stdout']): Colors {
    return colorsFor(wantsColors({ isTTY: stream.isTTY === true, env: this.host.env, noColor: this.#flags.color === false }));
  }

  /** The stream for people: standard output, unless that is JSON. */
  get speech(): Host['stdout'] {
    return this.json ? this.host.stderr : this.host.stdout;
  }

  /** Whether questions can be asked. */
  get asks(): boolean {
    return this.host.stdin?.isTTY === true && this.host.stdout.isTTY === true && !this.host.env['CI'];
  }

  /** Lines of the result. */
  out(...lines: readonly string[]): void {
    this.host.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Lines beside the result. */
  note(...lines: readonly string[]): void {
    this.host.stderr.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** A value as the whole of standard output. */
  outJson(value: unknown): void {
    this.host.stdout.write(json(value));
  }

  /** An absolute path for one that the user gave. */
  path(given: string): string {
    return resolve(this.host.cwd, given);
  }

  /** A path as the user would say it: relative where it lies below the working directory. */
  shown(path: string): string {
    const from = relative(this.host.cwd, path);
    return from === '' ? '.' : from.startsWith('..') || isAbsolute(from) ? path : from;
  }

  /** Facts that name the model's file as the user would. */
  shownFacts(facts: ModelFacts): ModelFacts {
    return isAbsolute(facts.file) ? { ...facts, file: this.shown(facts.file) } : facts;
  }

  /** A diagnostic that names its files as the user would. */
  located(d: Diagnostic): Diagnostic {
    return d.at && isAbsolute(d.at.file) ? { ...d, at: { ...d.at, file: this.shown(d.at.file) } } : d;
  }
}
