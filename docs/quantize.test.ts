import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkRecipe, Files, hostServices, Log, openModel, parseModel, planRun, readRecipe, Registry, render, run, writeModel, type Plugin } from '@onnxpress/core';
import { tinyTransformer } from '@onnxpress/core/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';

/* Every recipe on the page runs, on a decoder or a row of convolutions small enough for it. What a block leaves out is filled in as the page has it before. */
const here = dirname(fileURLToPath(import.meta.url));
const recipes = [...readFileSync(join(here, 'quantize.md'), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((m) => m[1]!); // the pattern has one group
const QUANTIZED = new Set(['MatMulNBits', 'MatMulInteger', 'GatherBlockQuantized', 'DequantizeLinear']);
const WORDS = 32;
const wave = (count: number): string => Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + 1).toFixed(4)).join();

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-quantize-'));
  for (const name of ['model', 'vision', 'images']) mkdirSync(join(folder, name));
  const decoder = tinyTransformer({ width: 32, heads: 4, valueHeads: 2, feedForward: 64, vocabulary: WORDS, tied: true }).replace('[B, S] ids)', '[B, S] input_ids)').replace(', ids)', ', input_ids)');
  await writeModel(parseModel(decoder), join(folder, 'model/model.onnx'));
  const vocab = Object.fromEntries(Array.from({ length: WORDS }, (_, i) => [`w${i}`, i]));
  writeFileSync(join(folder, 'model/tokenizer.json'), JSON.stringify({ pre_tokenizer: { type: 'WhitespaceSplit' }, model: { type: 'WordLevel', vocab, unk_token: 'w0' } }));
  writeFileSync(join(folder, 'texts.txt'), Array.from({ length: 24 }, (_, i) => Array.from({ length: 12 }, (_, j) => `w${(i * 7 + j * j * 5) % WORDS}`).join(' ')).join('\n'));
  await writeModel(parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[N, 3, 32, 32] image) => (float[N, 16, 32, 32] y) <float[16, 3, 3, 3] w = {${wave(432)}}, float[16, 16, 3, 3] u = {${wave(2304)}}> {
    x = Conv <pads = [1, 1, 1, 1]> (image, w)  r = Relu(x)  y = Conv <pads = [1, 1, 1, 1]> (r, u)
  }`), join(folder, 'vision/model.onnx'));
  for (let i = 0; i < 4; i++) await sharp(Buffer.from(Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * (i + 3)) % 251)), { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(join(folder, `images/${i}.png`));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The block as a whole recipe. */
function whole(block: string, index: number): string {
  const head = /^model:/m.test(block) ? '' : `name: block-${index}\nmodel: ${block.includes('images') ? 'vision' : 'model'}\noutput: out-${index}/model.onnx\n`;
  const data = /^data:/m.test(block) || !block.includes('texts') ? '' : 'data:\n  texts: { use: eval/texts, with: { file: texts.txt, take: 128 } }\n';
  return head + data + block;
}

test('the page shows recipes', () => {
  expect(recipes.length).toBeGreaterThan(5);
});

test.each(recipes.map((block, index) => ({ block, index, title: [`recipe ${index + 1}`, ...[...block.matchAll(/(?:quant|fusion)\/\w+/g)].map(([use]) => use)].join(' ') })))('$title', async ({ block, index }) => {
  const file = join(folder, `${index}.yaml`);
  writeFileSync(file, whole(block, index));
  const registry = new Registry();
  for (const name of ['eval', 'fusion', 'quant']) {
    const { default: plugin } = (await import(`@onnxpress/plugin-${name}`)) as { default: Plugin }; // what a plugin package exports
    registry.add(plugin, { packageName: `@onnxpress/plugin-${name}`, version: '0' });
  }
  const services = hostServices().set(Log, { info() {}, warn() {} });
  const { source, diagnostics } = await readRecipe(file, services.get(Files));
  const checked = checkRecipe(source, registry);
  expect([...diagnostics, ...checked.diagnostics].map(render)).toEqual([]);
  const { signal } = new AbortController();
  const idle: string[] = [];
  let passed = false;
  for await (const event of run(await planRun({ recipe: checked.recipe!, registry }, services, signal), services, signal)) { // the recipe is there: nothing is wrong with it
    if (event.type === 'step' && event.use.startsWith('quant/') && !event.changed) idle.push(event.use);
    if (event.type === 'done') passed = event.ok;
  }
  expect([passed, idle]).toEqual([true, []]);
  const made = openModel(join(folder, /^output: (\S+)/m.exec(whole(block, index))![1]!)); // each recipe has one
  expect([...made.nodes()].some(({ opType }) => QUANTIZED.has(opType))).toBe(true);
}, 60_000);
