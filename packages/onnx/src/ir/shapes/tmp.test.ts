import { test } from 'vitest';
import { readFileSync } from 'node:fs';
import { openModel } from '../../io/read.ts';
import { inferTypes } from './infer.ts';
import { scopeFor } from './scope.ts';
import { describeType } from '../types.ts';
import { codeOf } from '../dtype.ts';
interface C { file: string; name: string; variant: string; op: string; names: Record<string, number>; real: { name: string; shape: number[] | null; elem: number }[] }
test('node cases', () => {
  const all = JSON.parse(readFileSync('/tmp/sh/index.json', 'utf8')) as C[];
  const stats: Record<string, Record<string, number>> = {};
  const wrong: string[] = [], weak: Record<string, string[]> = {};
  let failed = 0;
  for (const c of all) {
    let model;
    try { model = openModel('/tmp/sh/cases/' + c.file); } catch (e) { if (failed++ < 5) console.log(c.name, String(e)); continue; }
    inferTypes(model);
    const { sizes } = scopeFor(model.graph);
    const names = new Map(Object.entries(c.names));
    for (const v of model.graph.inputs) if (v.type && 'dims' in v.type) for (const d of v.type.dims ?? []) if (typeof d === 'string' && !names.has(d)) names.set(d, NaN);
    c.real.forEach((r, i) => {
      const v = model.graph.outputs[i]!;
      const t = v.type;
      const s = (stats[c.variant] ??= { ok: 0, none: 0, norank: 0, partial: 0, wrong: 0 });
      if (!t) { s.none!++; (weak[c.op] ??= []).push(c.name + ' none'); return; }
      if (t.kind !== 'tensor' || !r.shape) { s.ok!++; return; }
      const line = `${c.name} ${c.variant} out${i} ${describeType(t)} real ${r.elem}[${r.shape}]`;
      if (r.elem && codeOf(t.dtype) !== r.elem) { s.wrong!++; wrong.push(line); return; }
      if (!t.dims) { s.norank!++; (weak[c.op] ??= []).push(line); return; }
      const vals = t.dims.map((d) => d === null ? null : typeof d === 'number' ? d : sizes.evaluate(d, names));
      if (vals.length !== r.shape.length || vals.some((d, k) => d !== null && !Number.isNaN(d) && d !== r.shape![k])) { s.wrong!++; wrong.push(line); return; }
      if (vals.some((d) => d === null)) { s.partial!++; if (c.variant !== 'plain') (weak[c.op] ??= []).push(line); return; }
      s.ok!++;
    });
  }
  console.log(stats, failed, '\nWRONG\n' + wrong.slice(0, 60).join('\n'), '\nWEAK\n' + Object.entries(weak).map(([k, l]) => `${k} (${l.length}): ${l.find((x) => x.includes('const')) ?? l[0]}`).join('\n'));
});
