import { expect, test } from 'vitest';
import { Services, token } from './services.ts';

interface Watch {
  now(): number;
}
const Watch = token<Watch>('Watch');

class Diary {
  static readonly needs = [] as const;
  readonly lines: string[] = [];
  closed = false;
  dispose(): void {
    this.closed = true;
  }
}
const Pages = token<Diary>('Pages');

class Keeper {
  static readonly needs = [Watch, Pages] as const;
  readonly watch: Watch;
  readonly diary: Diary;
  constructor(watch: Watch, diary: Diary) {
    this.watch = watch;
    this.diary = diary;
  }
}
const Office = token<Keeper>('Office');

const host = (): Services => new Services().set(Watch, { now: () => 42 }).make(Pages, Diary).make(Office, Keeper);

test('makes a class from what it needs, once', () => {
  const services = host();
  expect(services.get(Office).watch.now()).toBe(42);
  expect(services.get(Office)).toBe(services.get(Office));
  expect(services.get(Office).diary).toBe(services.get(Pages));
});

test('the last binding of a token wins: the seam of tests', () => {
  expect(host().set(Watch, { now: () => 7 }).get(Office).watch.now()).toBe(7);
});

test('a scope inherits bindings, makes its own instances, and disposes of them alone', async () => {
  const services = host();
  const outer = services.get(Pages);
  const run = services.scope();
  const inner = run.get(Pages);
  expect(run.get(Office).diary).toBe(inner);
  await run.dispose();
  expect([inner.closed, outer.closed, inner === outer]).toEqual([true, false, false]);
});

test('what a scope binds stays in it', () => {
  const services = host();
  const run = services.scope().set(Watch, { now: () => 7 });
  expect([run.get(Watch).now(), services.get(Watch).now()]).toEqual([7, 42]);
});

test('two hosts share nothing', () => {
  expect(new Services().has(Watch)).toBe(false);
  expect(host().get(Pages)).not.toBe(host().get(Pages));
});

test('knows what is bound, in a scope too', () => {
  const services = new Services().set(Watch, { now: () => 1 });
  expect([services.has(Watch), services.has(Office), services.scope().has(Watch)]).toEqual([true, false, true]);
});

test('says who needed what is missing', () => {
  expect(() => new Services().make(Pages, Diary).make(Office, Keeper).get(Office)).toThrow(/"watch".*"Keeper"[\s\S]*Symbol\(Watch\)/);
  expect(() => new Services().get(Watch)).toThrow(/Symbol\(Watch\)/);
});

test('needs and constructor must agree: the compiler compares them', () => {
  class Swapped {
    static readonly needs = [Pages, Watch] as const;
    readonly got: readonly unknown[];
    constructor(watch: Watch, diary: Diary) {
      this.got = [watch, diary];
    }
  }
  class Short {
    static readonly needs = [Watch] as const;
    readonly got: readonly unknown[];
    constructor(watch: Watch, diary: Diary) {
      this.got = [watch, diary];
    }
  }
  const Some = token<object>('Some');
  // @ts-expect-error the order differs
  const first = new Services().make(Some, Swapped);
  // @ts-expect-error one is not named
  const second = new Services().make(Some, Short);
  expect([first.has(Some), second.has(Some)]).toEqual([true, true]);
});

test('a token carries its type', () => {
  const services = host();
  // @ts-expect-error a diary is no watch
  expect(() => services.set(Watch, new Diary())).not.toThrow();
});
