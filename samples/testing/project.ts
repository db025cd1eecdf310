import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { openModel, parseModel, printModel, writeModel } from '@onnxpress/core';
import { HOUSE, onnxpress, start, type CallOptions, type Ended, type Running } from './cli.ts';

/** A folder of a user, outside of this repository, where what is installed here is installed too. */
export class Project {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'onnxpress-sample-'));
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(join(HOUSE, 'node_modules/@onnxpress'), join(this.folder, 'node_modules/@onnxpress'), 'dir');
  }

  /** Copies a sample, without what is expected of it; each model.onnxtxt becomes the model.onnx that a user would have. */
  static async of(sample: string): Promise<Project> {
    const project = new Project();
    cpSync(sample, project.folder, { recursive: true, filter: (path) => basename(path) !== 'expected' });
    for (const path of project.files().filter((f) => f.endsWith('.onnxtxt'))) {
      await project.model(path.replace(/txt$/, ''), readFileSync(project.path(path), 'utf8'));
      rmSync(project.path(path));
    }
    return project;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  bytes(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  write(name: string, content: string | Uint8Array): this {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    return this;
  }

  delete(name: string): this {
    rmSync(this.path(name), { recursive: true });
    return this;
  }

  /** Writes a model that is given as ONNX text. */
  async model(name: string, text: string, options: Parameters<typeof writeModel>[2] = {}): Promise<this> {
    await writeModel(parseModel(text), this.path(name), options);
    return this;
  }

  /** A model of the project as ONNX text. */
  text(name: string): string {
    return printModel(openModel(this.path(name)));
  }

  /** Every file, by its path, but for what is installed. */
  files(): string[] {
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter((f) => !f.isDirectory())
      .map((f) => relative(this.folder, join(f.parentPath, f.name)))
      .filter((path) => !path.startsWith('node_modules'))
      .sort();
  }

  /** Names that only unfinished work has. */
  leftovers(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tmp$|\.old$|\.onnxpress-/.test(f));
  }

  /** Resolves when so many runs have come to the pass that waits while the file "hold" is there. */
  async arrived(count: number): Promise<void> {
    while (this.files().filter((f) => f.startsWith('arrived-')).length < count) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  start(command: string, options?: CallOptions): Running {
    return start(this.folder, words(command), options);
  }

  run(command: string, options?: CallOptions): Promise<Ended> {
    return onnxpress(this.folder, words(command), options);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const words = (command: string): string[] => command.split(' ').filter((word) => word !== '');
