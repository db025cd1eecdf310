import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Pointing } from './source.ts';

/** Data sets that are made from themselves, each circle told once: opening them would not end. `uses`: name → the data sets its options name. */
export function dataCycles(uses: ReadonlyMap<string, readonly string[]>, source: Pointing): readonly Diagnostic[] {
  const circles = [...uses.keys()].flatMap((name) => {
    const circle = circleFrom(name, uses, [name]);
    return circle ? [circle] : [];
  });
  const told = new Set<string>();
  return circles.flatMap((circle) => {
    const id = JSON.stringify([...circle].sort());
    if (told.has(id)) return [];
    told.add(id);
    return [say.dataCycle([...circle, circle[0]!], source.atKey(['data'], circle[0]!))];
  });
}

/** The shortest way from the first name of a way back to it, if there is one. */
function circleFrom(start: string, uses: ReadonlyMap<string, readonly string[]>, first: readonly string[]): readonly string[] | undefined {
  const seen = new Set<string>();
  for (let ways = [first]; ways.length > 0;) {
    const longer = ways.flatMap((way) => (uses.get(way.at(-1)!) ?? []).map((next) => [...way, next]));
    const back = longer.find((way) => way.at(-1) === start);
    if (back) return back.slice(0, -1);
    ways = longer.filter((way) => seen.size !== seen.add(way.at(-1)!).size);
  }
  return undefined;
}
