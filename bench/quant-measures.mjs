import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { folderFiles, batchesOf, normalize, openTokenizer, pool } from '@onnxpress/text';
import * as ort from 'onnxruntime-node';
import { median, shared } from './harness.mjs';

const WINDOW = 512;
const open = (file) => ort.InferenceSession.create(file, { intraOpNumThreads: 2, logSeverityLevel: 4 });
const int64 = (values, dims) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

/** Feeds of a decoder for a row of tokens, as far as it has inputs for them. */
function feedsOf(session, ids) {
  const all = { input_ids: ids, attention_mask: ids.map(() => 1), position_ids: ids.map((_, i) => i) };
  return Object.fromEntries(Object.entries(all).filter(([name]) => session.inputNames.includes(name)).map(([name, values]) => [name, int64(values, [1, ids.length])]));
}

async function logitsOf(session, ids) {
  const { logits } = await session.run(feedsOf(session, ids));
  return { data: logits.data, vocabulary: logits.dims.at(-1) };
}

function logSumExp(data, from, count) {
  let most = -Infinity;
  for (let i = from; i < from + count; i++) if (data[i] > most) most = data[i];
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += Math.exp(data[i] - most);
  return most + Math.log(sum);
}

/** Mean KL(original || result) per token in nats over the whole vocabulary, and both perplexities: the text in one piece, cut into windows of 512 tokens that do not overlap. */
async function divergence({ original, result, windows }) {
  const tokenizer = await openTokenizer(folderFiles(dirname(original)));
  const ids = tokenizer.idsOf(readFileSync(join(shared, 'data/wikitext2/valid.txt'), 'utf8'));
  const [was, is] = [await open(original), await open(result)];
  let [kl, lossBefore, lossAfter, count] = [0, 0, 0, 0];
  for (let window = 0; window < windows; window++) {
    const row = [...ids.slice(window * WINDOW, (window + 1) * WINDOW)];
    const [x, y] = [await logitsOf(was, row), await logitsOf(is, row)];
    const v = x.vocabulary;
    for (let t = 0; t + 1 < WINDOW; t++) {
      const at = t * v;
      const [zx, zy] = [logSumExp(x.data, at, v), logSumExp(y.data, at, v)];
      for (let i = at; i < at + v; i++) {
        const p = x.data[i] - zx;
        kl += Math.exp(p) * (p - (y.data[i] - zy));
      }
      lossBefore += zx - x.data[at + row[t + 1]];
      lossAfter += zy - y.data[at + row[t + 1]];
      count++;
    }
  }
  await Promise.all([was.release(), is.release()]);
  return { kl: kl / count, perplexity: Math.exp(lossAfter / count), 'perplexity before': Math.exp(lossBefore / count) };
}

/** Times of one call relative to the original's, rounds interleaved. */
async function ratios({ original, result }, calls, rounds) {
  const sessions = [await open(original), await open(result)];
  const found = {};
  for (const [name, feedsFor] of Object.entries(calls)) {
    const times = [[], []];
    for (let round = 0; round <= rounds; round++) {
      for (const [side, session] of sessions.entries()) {
        const feeds = feedsFor(session);
        const started = performance.now();
        await session.run(feeds);
        if (round > 0) times[side].push(performance.now() - started); // the first warms up
      }
    }
    found[name] = median(times[1].map((ms, i) => ms / times[0][i]));
  }
  await Promise.all(sessions.map((s) => s.release()));
  return found;
}

const tokens = (count) => Array.from({ length: count }, (_, i) => 100 + ((i * 37) % 4000));

const languageSpeed = (given) => ratios(given, { prefill: (s) => feedsOf(s, tokens(512)), decode: (s) => feedsOf(s, tokens(1)) }, 7);

function encoderFeeds(session, rows, length) {
  const all = { input_ids: tokens(rows * length), attention_mask: Array(rows * length).fill(1), token_type_ids: Array(rows * length).fill(0) };
  return Object.fromEntries(session.inputNames.map((name) => [name, int64(all[name], [rows, length])]));
}
const encoderSpeed = (given) => ratios(given, { '1x32': (s) => encoderFeeds(s, 1, 32), '8x128': (s) => encoderFeeds(s, 8, 128), '32x128': (s) => encoderFeeds(s, 32, 128) }, 7);

/** Cosine of embeddings to the original's, each text by itself, mean pooling: documents of Cranfield from the end of the collection, and paragraphs of WikiText. */
async function cosine({ original, result }) {
  const tokenizer = await openTokenizer(folderFiles(dirname(dirname(original))), { maxLength: 256 });
  const documents = readFileSync(join(shared, 'data/cranfield/corpus.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const paragraphs = readFileSync(join(shared, 'data/wikitext2/valid.txt'), 'utf8').split('\n').filter((line) => line.length > 200);
  const kinds = { cosine: documents.slice(-60).map(({ title, text }) => `${title} ${text}`), 'cosine elsewhere': paragraphs.slice(0, 60) };
  const sessions = [await open(original), await open(result)];
  const found = {};
  for (const [kind, texts] of Object.entries(kinds)) {
    const all = [];
    for await (const { feeds, mask } of batchesOf(tokenizer, sessions[0].inputNames, texts, { size: 1 })) {
      const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, new ort.Tensor('int64', feed.data, feed.dims)]));
      const [a, b] = await Promise.all(sessions.map(async (session) => {
        const { data, dims } = Object.values(await session.run(given))[0];
        return normalize(pool({ data, dims }, mask, 'mean'), dims.at(-1));
      }));
      all.push(a.reduce((sum, x, i) => sum + x * b[i], 0));
    }
    found[kind] = all.reduce((x, y) => x + y) / all.length;
  }
  await Promise.all(sessions.map((s) => s.release()));
  return found;
}

/** The result's files in MB (10^6 bytes): graph and weights, not what travels with them. */
function size({ result }) {
  const folder = dirname(result);
  const files = readdirSync(folder).filter((name) => /\.onnx(\.|_)?(data)?$/.test(name));
  return { megabytes: files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / 1e6 };
}

/** Measures by name: each a function of `{ original, result, windows }`, files, that gives numbers by metric. */
export const MEASURES = { size, divergence, cosine, 'language-speed': languageSpeed, 'encoder-speed': encoderSpeed };
