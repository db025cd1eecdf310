import { symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { built, ifBuilt } from '../testing/cli.ts';
import type { Project } from '../testing/project.ts';
import { MODEL, tinyProject } from '../testing/tiny.ts';
import { refused } from './refused.ts';

let project: Project;
beforeEach(async () => {
  project = await tinyProject();
});
afterEach(() => project.remove());

describe.skipIf(!built)(`a model that is none, or not whole${ifBuilt}`, () => {
  test.each([0.1, 0.5, 0.9, 0.999])('cut off after %f of it', async (share) => {
    truncateSync(project.path('model.onnx'), Math.floor(project.bytes('model.onnx').length * share));
    expect(await refused(project, 3)).toMatch(/error (truncated|not-onnx|malformed): .*model\.onnx.*(incomplete|beginning only|ends).*(copy|download)/is);
  });

  test('nothing at all', async () => {
    expect(await refused(project.write('model.onnx', ''), 3)).toMatch(/model\.onnx.*(empty|download)/s);
  });

  test('a pointer of Git LFS: what to call', async () => {
    expect(await refused(project.write('model.onnx', `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 90868376\n`), 3)).toMatch(/Git LFS.*git lfs pull/s);
  });

  test('a text', async () => {
    expect(await refused(project.write('model.onnx', '<!doctype html><title>404</title>'), 3)).toMatch(/error not-onnx: .*model\.onnx/);
  });

  test('lengths that no file has', async () => {
    expect(await refused(project.write('model.onnx', Buffer.from([0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00])), 3)).toMatch(/error (truncated|malformed|too-large|not-onnx): /);
  });

  test('graphs in graphs, thousands deep', async () => {
    let bytes = Buffer.alloc(0);
    for (let depth = 0; depth < 3000; depth++) for (const field of [0x32, 0x2a, 0x0a]) bytes = Buffer.concat([field === 0x2a ? Buffer.from([0xa0, 0x01, 5]) : Buffer.alloc(0), lengthPrefixed(field, bytes)]); // AttributeProto.g, NodeProto.attribute, GraphProto.node
    expect(await refused(project.write('model.onnx', Buffer.concat([Buffer.from([0x08, 0x08]), lengthPrefixed(0x3a, bytes), Buffer.from([0x42, 0x02, 0x10, 0x11])])), 3)).toMatch(/error (too-deep|malformed): /);
  });

  test('a folder with several models: which there are', async () => {
    await project.model('many/a.onnx', MODEL);
    await project.model('many/b.onnx', MODEL);
    expect(await refused(project, 3, 'run --model many')).toMatch(/a\.onnx.*b\.onnx.*Name the one you mean/s);
  });

  test('no model at the path', async () => {
    expect(await refused(project, 2, 'run --model modle.onnx')).toMatch(/modle\.onnx does not exist.*Did you mean .*model\.onnx"/s);
  });
});

function lengthPrefixed(tag: number, bytes: Buffer): Buffer {
  const length = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
  }
}

describe.skipIf(!built)(`weights beside the model${ifBuilt}`, () => {
  const DATA = 'model.onnx.data';
  beforeEach(() => project.model('model.onnx', MODEL, { external: 'always' }));

  test('are read, and written beside the result', async () => {
    expect((await project.run('run')).code).toBe(0);
    expect(project.files().filter((f) => f.startsWith('result/'))).toEqual(['result/report.json', 'result/tiny.onnx']);
  });

  test('that are missing', async () => {
    expect(await refused(withoutData(), 3)).toMatch(/error external-data: Tensor "w" lies in "model\.onnx\.data".*Put the file beside the model/s);
  });

  test('that are too short', async () => {
    truncateSync(project.path(DATA), 100);
    expect(await refused(project, 3)).toMatch(/error external-data: Tensor "w" needs bytes 0 to 1024 of "model\.onnx\.data", which has 100.*copy or download it again/s);
  });

  test('that lie outside of its folder', async () => {
    expect(await refused(project.write('model.onnx', renamed(project.bytes('model.onnx'), DATA)), 3)).toMatch(/error external-data: .*not inside the model's folder/s);
  });

  test('that are a link to elsewhere', async () => {
    const elsewhere = await tinyProject();
    try {
      elsewhere.write('weights', project.bytes(DATA));
      withoutData();
      symlinkSync(elsewhere.path('weights'), project.path(DATA));
      expect(await refused(project, 3)).toMatch(/error external-data: .*a link out of the model's folder.*Put a copy/s);
    } finally {
      elsewhere.remove();
    }
  });

  function withoutData(): Project {
    project.delete(DATA);
    return project;
  }

  /** A name of the same length that leads out of the folder. */
  function renamed(bytes: Buffer, name: string): Buffer {
    bytes.write(join('..', 'x'.repeat(name.length - 3)), bytes.indexOf(name), 'latin1');
    return bytes;
  }
});
