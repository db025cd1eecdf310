import { testContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { encoder, oneHot } from '../testing/models.ts';
import { Encoder, vectorAt, type EncoderOptions, type Vectors } from './encoder.ts';

const plain: EncoderOptions = { pooling: 'mean', normalize: false, batch: 32 };

async function embed(texts: readonly string[], options: Partial<EncoderOptions> = {}, onDone?: (texts: number) => void): Promise<Vectors> {
  const opened = await Encoder.open(encoder(), { ...plain, ...options }, testContext());
  try {
    return await opened.embed(texts, onDone);
  } finally {
    await opened.dispose();
  }
}
const [, , red, blue] = oneHot();

test('vectors come in the order of the texts, whatever their lengths', async () => {
  const vectors = await embed(['red red blue blue', 'blue', 'red blue', 'red']);
  expect(vectors).toMatchObject({ count: 4, width: 6 });
  const half = red!.map((value, at) => (value + blue![at]!) / 2);
  expect([0, 1, 2, 3].map((row) => [...vectorAt(vectors, row)])).toEqual([half, blue, half, red]);
});

test('the batch size does not show in the vectors of a model that looks at one text at a time', async () => {
  const texts = ['red', 'blue red red', 'green', 'red green blue', 'unheard of'];
  expect(await embed(texts, { batch: 2 })).toEqual(await embed(texts, { batch: 32 }));
});

test('pooling and normalizing are as asked for', async () => {
  expect([...(await embed(['red blue'], { pooling: 'cls' })).data]).toEqual(red);
  expect([...(await embed(['red blue'], { pooling: 'last' })).data]).toEqual(blue);
  const unit = await embed(['red blue'], { normalize: true });
  expect(Math.hypot(...unit.data)).toBeCloseTo(1, 6);
});

test('long texts are cut', async () => {
  expect([...(await embed(['red blue blue blue'], { maxLength: 1 })).data]).toEqual(red);
});

test('progress adds up to the texts', async () => {
  const done: number[] = [];
  await embed(['red', 'blue', 'green', 'red blue', 'red'], { batch: 2 }, (texts) => done.push(texts));
  expect(done).toEqual([2, 2, 1]);
});

test('a model without a tokenizer says which file is missing', async () => {
  const model = encoder();
  model.files.delete('tokenizer.json');
  await expect(Encoder.open(model, plain, testContext())).rejects.toThrow("There is no tokenizer.json in the model's files");
});
