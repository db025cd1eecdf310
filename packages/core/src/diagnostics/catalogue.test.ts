import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as say from './catalogue.ts';
import { render, type Diagnostic, type Span } from './diagnostic.ts';

type Entry = Exclude<keyof typeof say, 'didYouMean' | 'suggest'>;

const text = 'steps:\n  - use: quant/dynamc\n';
const at: Span = { file: 'onnxpress.yaml', text, start: text.indexOf('quant'), end: text.indexOf('quant') + 'quant/dynamc'.length };

/** One example of every message: the compiler insists on each. */
const examples: Record<Entry, Diagnostic> = {
  aliasNested: say.aliasNested(at),
  ambiguousMetric: say.ambiguousMetric('ndcg@10', ['eval/retrieval', 'eval/retrieval'], at),
  badBound: say.badBound('size', '30 parsecs', at),
  badCall: say.badCall('There is no command "rum".'),
  badExpression: say.badExpression('${{ env.HOME }}', at),
  badOption: say.badOption('prune/magnitude', 'sparsity', 'must be less than 1', 1.5, at, 'The share of weights that become zero.'),
  badPlugin: say.badPlugin('onnxpress-plugin-acme', 'offers passes: foo, which does not start with "acme/"'),
  badValue: say.badValue('seed', 'must be at least 0', -1, at, 'Where random numbers start.'),
  badVariable: say.badVariable('include', at),
  cacheDamaged: say.cacheDamaged('3f/3fa0'),
  cacheUnwritable: say.cacheUnwritable('.onnxpress/cache', 'permission denied.'),
  chooseWithoutMatrix: say.chooseWithoutMatrix(at),
  cpuLacks: say.cpuLacks('avx512_vnni', 'Example CPU', ['avx', 'avx2'], at),
  dataBroken: say.dataBroken('data/queries.jsonl', 17, 'This is not a JSON object.'),
  dataCycle: say.dataCycle(['a', 'b', 'a'], at),
  dataEmpty: say.dataEmpty('calib', 'data/corpus.jsonl'),
  dataMisfit: say.dataMisfit(['attention_mask'], ['input_ids', '']),
  dataWrongKind: say.dataWrongKind('calib', 'texts', 'a retrieval collection', at),
  diskFull: say.diskFull('out/model.onnx', 90_400_000, 62_000_000),
  duplicateAs: say.duplicateAs('short', at),
  duplicateKey: say.duplicateKey('seed', at),
  duplicateName: say.duplicateName('pass', 'acme/x', 'onnxpress-plugin-acme'),
  duplicatePlugin: say.duplicatePlugin('acme', 'onnxpress-plugin-acme', './acme.js', at),
  duplicateValue: say.duplicateValue('bits', 4, at),
  emptyMatrix: say.emptyMatrix(at),
  emptyRecipe: say.emptyRecipe(at),
  excludesNothing: say.excludesNothing(at),
  extendsCycle: say.extendsCycle(['a.yaml', 'b.yaml', 'a.yaml'], at),
  extendsTooDeep: say.extendsTooDeep(8, at),
  gateWithoutBound: say.gateWithoutBound('size', at),
  internal: say.internal('x is not a function'),
  interrupted: say.interrupted(),
  matrixNotHere: say.matrixNotHere('${{ matrix.bits }}', at),
  matrixTooLarge: say.matrixTooLarge(1000, 256, at),
  missingKey: say.missingKey('model', 'A recipe', 'The model to start from.', at),
  missingOption: say.missingOption('quant/static', 'data', 'What to calibrate with.', at),
  missingPlugin: say.missingPlugin('prune/wanda', '@onnxpress/plugin-prune', at),
  modelDiffers: say.modelDiffers('model.onnx', '5f'.repeat(32), at),
  modelRefused: say.modelRefused('model.onnx', 'opset 99 is not supported.'),
  modelSource: say.modelSource('hf:org/repo', at),
  multipleDocuments: say.multipleDocuments(at),
  networkFailed: say.networkFailed('https://example.org/model.onnx', 'the connection was refused.'),
  noAccess: say.noAccess('out/model.onnx', 'write'),
  noSuchFile: say.noSuchFile('model.onx', 'The model', at, ['model.onnx']),
  nonFiniteActivation: say.nonFiniteActivation('/layer.0/output', 3, NaN, 17),
  notAFile: say.notAFile('recipes', at),
  notAMap: say.notAMap(['a'], at),
  notAPlugin: say.notAPlugin('lodash', 'a function', at),
  notObservable: say.notObservable('ids'),
  notUtf8: say.notUtf8(at),
  notVerified: say.notVerified('fusion/simplify', 2, 'not compared: it has inputs that are no tensors'),
  outputIsModel: say.outputIsModel('model.onnx', at),
  patternMatchesNothing: say.patternMatchesNothing('quant/dynamic', 'exclude', '/encodr/*', ['/encoder/layer.0'], at),
  pluginFailed: say.pluginFailed('acme/magnitude', 2, 'x is not a function'),
  pluginLoadFailed: say.pluginLoadFailed('onnxpress-plugin-acme', 'Unexpected token', at),
  pluginNotFound: say.pluginNotFound('onnxpress-plugin-acme', 'recipes', at),
  recipeTooLarge: say.recipeTooLarge(1_048_576, 256_000, at),
  runtimeFailed: say.runtimeFailed('measuring eval/latency', 'out of memory'),
  samePlace: say.samePlace('b.yaml', 'a.yaml', 'out/report.json', at),
  sourceChanged: say.sourceChanged('models/minilm/model.onnx.data'),
  stepRolledBack: say.stepRolledBack('output "y" differs by 2.0e-1 of its largest entry', 'it came with rule identity at Relu "a"'),
  signatureChanged: say.signatureChanged('acme/cut', 3, ['the output "logits" is gone']),
  tooDeep: say.tooDeep(at),
  tooLargeToRead: say.tooLargeToRead('corpus.jsonl', at),
  tooManyAliases: say.tooManyAliases(32, at),
  tooManyMistakes: say.tooManyMistakes(7),
  unknownAlias: say.unknownAlias('bse', ['base'], at),
  unknownContribution: say.unknownContribution('pass', 'quant/dynamc', ['quant/dynamic', 'quant/static'], at),
  unknownData: say.unknownData('quant/static', 'data', 'clib', ['calib'], at),
  unknownKey: say.unknownKey('stesp', 'A recipe', ['model', 'steps'], at),
  unknownMetric: say.unknownMetric('ndgc@10', ['size', 'ndcg@10'], at),
  unknownOption: say.unknownOption('prune/magnitude', 'opps', ['sparsity', 'ops'], at),
  unknownVariable: say.unknownVariable('bit', ['bits', 'block'], at),
  verifyFailed: say.verifyFailed('fusion/simplify', 1, '"logits" differs by 0.3'),
  wrongKind: say.wrongKind('quant/dynamic', 'pass', 'evaluator', at),
  yamlSyntax: say.yamlSyntax('A tab may not indent.', at, 'Indent with spaces.'),
  yamlTag: say.yamlTag('!ref', at),
};

test('every message reads well: the file beside this one shows them all', async () => {
  const placed = (d: Diagnostic): string => render({ ...d, at: undefined, message: d.at ? `${d.message} [with its place]` : d.message });
  await expect(`${Object.values(examples).map(placed).join('\n\n')}\n`).toMatchFileSnapshot('catalogue.rendered.txt');
});

test('every message is one or two whole sentences, and so is every hint', () => {
  for (const d of Object.values(examples).filter((d) => d.code !== 'internal' && !/-failed$/.test(d.code))) expect(d.message, d.code).toMatch(/[.?]$/);
});

test('an error that the user can mend says how, or where', () => {
  for (const d of Object.values(examples)) expect(d.hint !== undefined || d.at !== undefined || /-failed$/.test(d.code), d.code).toBe(true);
});

test('entries are sorted, and named like their codes', () => {
  const names = [...readFileSync(new URL('catalogue.ts', import.meta.url), 'utf8').matchAll(/^export const (\w+)/gm)].map((m) => m[1]!);
  const kebab = (name: string): string => name.replace(/[A-Z0-9]/g, (c) => (/\d/.test(c) ? c : `-${c.toLowerCase()}`));
  expect(names).toEqual([...names].sort((a, b) => (kebab(a) < kebab(b) ? -1 : 1)));
  expect(Object.entries(examples).map(([name, d]) => [name, d.code])).toEqual(Object.keys(examples).map((name) => [name, name === 'unknownContribution' ? 'unknown-pass' : kebab(name)]));
});
