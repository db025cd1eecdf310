import { basename } from 'node:path';
import { bytes, EXIT, factsOf, isFileTensor, plural, tensorsOf, type Model } from '@onnxpress/core';
import { anatomyOf, type Anatomy } from '../anatomy.ts';
import { columns } from '../columns.ts';
import { large, percent } from '../format.ts';
import { openGiven } from '../models.ts';
import type { Shell } from '../shell.ts';
import { headLine } from '../table.ts';
import { wholeNumber } from '../numbers.ts';

/** Shows what a model is made of. */
export async function inspect(shell: Shell, given: string, flags: { readonly top: string; readonly json?: boolean }): Promise<number> {
  const top = wholeNumber('--top', flags.top);
  const { model, path } = openGiven(shell, given);
  const facts = await factsOf(model, shell.shown(path));
  const anatomy = anatomyOf(model);
  const external = externalOf(model, path);
  if (shell.json) {
    shell.outJson({ ...facts, ...anatomy, externalData: external, files: Object.fromEntries([...model.files].map(([name, f]) => [name, f.size])) });
    return EXIT.passed;
  }
  const { colors } = shell;
  const heading = (text: string): string[] => ['', `  ${colors.bold(text)}`];
  shell.out(
    headLine(basename(path), facts, { colors }),
    ...columns(aboutRows(anatomy, external, [...model.files.keys()]), { indent: '  ' }),
    ...heading('inputs'), ...columns(anatomy.inputs.map((p) => [p.name, p.type]), { indent: '    ' }),
    ...heading('outputs'), ...columns(anatomy.outputs.map((p) => [p.name, p.type]), { indent: '    ' }),
    ...heading(`operators (${plural(anatomy.operators.length, 'type')}, ${facts.nodes} nodes)`),
    ...columns(anatomy.operators.map((o) => [o.operator, String(o.count)]), { indent: '    ', right: [1] }),
    ...heading('element types of weights'),
    ...columns(Object.entries(anatomy.types).map(([dtype, t]) => [dtype, plural(t.weights, 'weight'), `${large(t.elements)} elements`, bytes(t.bytes)]), { indent: '    ', right: [1, 2, 3] }),
    ...heading(`weights by size${anatomy.weights.length > top ? ` (${top} of ${anatomy.weights.length})` : ''}`),
    ...columns(weightRows(anatomy, top), { indent: '    ', right: [3, 4] }),
  );
  return EXIT.passed;
}

/** Bytes of weights in each file beside the model. */
function externalOf(model: Model, path: string): Record<string, number> {
  const beside: Record<string, number> = {};
  for (const t of tensorsOf(model)) {
    if (!isFileTensor(t) || t.file === path || t.file === model.origin) continue;
    const name = basename(t.file);
    beside[name] = (beside[name] ?? 0) + t.byteLength;
  }
  return beside;
}

function aboutRows({ producer, irVersion, opsets, dynamicDimensions, functions, quantization }: Anatomy, external: Readonly<Record<string, number>>, files: readonly string[]): string[][] {
  const rows: (readonly [what: string, value: string])[] = [
    ['producer', producer],
    ['format', `IR ${irVersion}, ${Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`).join(', ')}`],
    ['dynamic dimensions', dynamicDimensions.join(', ') || 'none'],
    ['quantization', quantization.join('; ') || 'none'],
    ['functions', functions.join(', ')],
    ['external data', Object.entries(external).map(([name, size]) => `${name} ${bytes(size)}`).join(', ')],
    ['files beside it', files.join(', ')],
  ];
  return rows.filter(([, value]) => value !== '').map((row) => [...row]);
}

function weightRows({ weights }: Anatomy, top: number): string[][] {
  const all = weights.reduce((sum, w) => sum + w.bytes, 0);
  return weights.slice(0, top).map((w) => [w.name, w.dtype, `[${w.dims.join(', ')}]`, bytes(w.bytes), percent(all ? w.bytes / all : 0), w.readers.join(', ')]);
}
