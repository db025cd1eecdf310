import { expect, expectTypeOf, test } from 'vitest';
import { definePass } from './define.ts';
import { toJsonSchema, type Infer, type OptionsOf } from './options.ts';

const described = { description: 'An option.' } as const;

test('a schema infers the type of what it accepts', () => {
  expectTypeOf<Infer<{ type: 'string' }>>().toEqualTypeOf<string>();
  expectTypeOf<Infer<{ type: 'integer' }>>().toEqualTypeOf<number>();
  expectTypeOf<Infer<{ const: 'auto' }>>().toEqualTypeOf<'auto'>();
  expectTypeOf<Infer<{ enum: readonly ['int8', 'uint8', 4] }>>().toEqualTypeOf<'int8' | 'uint8' | 4>();
  expectTypeOf<Infer<{ type: 'array'; items: { type: 'array'; items: { type: 'number' } } }>>().toEqualTypeOf<readonly (readonly number[])[]>();
  expectTypeOf<Infer<{ anyOf: readonly [{ type: 'number' }, { const: 'auto' }, { type: 'null' }] }>>().toEqualTypeOf<number | 'auto' | null>();
  expectTypeOf<Infer<{ type: 'object' }>>().toEqualTypeOf<unknown>();
});

test('an option with a default, or required, is always there; any other may be missing', () => {
  type Options = OptionsOf<{ a: { type: 'number'; default: 1 }; b: { type: 'string'; required: true }; c: { type: 'boolean' } }>;
  expectTypeOf<Options>().toEqualTypeOf<{ readonly a: number; readonly b: string; readonly c?: boolean | undefined }>();
  expectTypeOf<OptionsOf<{}>>().toEqualTypeOf<{}>();
});

test('the verb gets its options typed by the schema beside it', () => {
  const pass = definePass({
    name: 'x/y', summary: 'Tries types.', numerics: 'exact',
    options: {
      bits: { enum: [4, 8], default: 8, ...described },
      names: { type: 'array', items: { type: 'string' }, ...described },
      data: { type: 'string', format: 'data', required: true, ...described },
    },
    run(_, options) {
      expectTypeOf(options.bits).toEqualTypeOf<4 | 8>();
      expectTypeOf(options.names).toEqualTypeOf<readonly string[] | undefined>();
      expectTypeOf(options.data).toEqualTypeOf<string>();
      // @ts-expect-error no such option
      void options.bit;
      // @ts-expect-error options are for reading
      options.bits = 4;
    },
  });
  expect(pass.kind).toBe('pass');
  expect(definePass({ name: 'x/z', summary: 'Has none.', numerics: 'exact', run: (_, options) => expectTypeOf(options).toEqualTypeOf<{}>() && undefined }).options).toEqual({});
});

test('what is no schema of an option does not compile', () => {
  const rest = { name: 'x/y', summary: 'Wrong.', numerics: 'exact', run: () => undefined } as const;
  // @ts-expect-error an option says what it does
  definePass({ ...rest, options: { a: { type: 'number' } } });
  // @ts-expect-error a format that nobody checks
  definePass({ ...rest, options: { a: { type: 'string', format: 'date', ...described } } });
  // @ts-expect-error there are three kinds of numbers
  definePass({ ...rest, numerics: 'sloppy' });
  expect(rest.name).toBe('x/y');
});

test('the shorthand for required becomes a list, and a list of an option’s own stays', () => {
  expect(toJsonSchema({
    a: { type: 'string', required: true, ...described },
    b: { type: 'string', required: false, ...described },
    c: { type: 'object', properties: { d: { type: 'number' } }, required: ['d'], ...described },
  })).toEqual({
    type: 'object', additionalProperties: false, required: ['a'],
    properties: { a: { type: 'string', ...described }, b: { type: 'string', ...described }, c: { type: 'object', properties: { d: { type: 'number' } }, required: ['d'], ...described } },
  });
});
