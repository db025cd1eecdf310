import { OnnxError } from '../error.ts';
import { toAttr, type AttrInput } from '../ir/attr-input.ts';
import type { Attr } from '../ir/attr.ts';
import { sameAttr } from '../ir/compare.ts';
import { describe, type Node } from '../ir/graph.ts';
import { versionsOf, type AttributeSchema } from '../ir/schema.ts';
import { isInputOf, schemaFor } from './forms.ts';
import { AttributeHole, type CallPattern } from './pattern.ts';

/** What an attribute hole of the pattern finds at a node, or why nothing. */
export type Found = { readonly value: unknown } | { readonly not: string };

/** The attribute as the node has it, or as it is by default at the node's opset. undefined: neither. */
export function attributeOf(node: Node, name: string): Attr | undefined {
  return node.attrs.get(name) ?? defaultOf(node, name);
}

function defaultOf(node: Node, name: string): Attr | undefined {
  // A version without the attribute behaves as the default of the version that brought it.
  const a = schemaFor(node)?.attributes.get(name) ?? versionsOf(node.domain, node.opType).at(-1)?.attributes.get(name);
  return a && attrOfDefault(a);
}

const defaults = new WeakMap<AttributeSchema, Attr>();

function attrOfDefault(a: AttributeSchema): Attr | undefined {
  if (a.default === undefined) return undefined;
  const before = defaults.get(a);
  if (before) return before;
  const made = toAttr(a.type, a.default);
  if (made) defaults.set(a, made);
  return made;
}

/** What the hole finds. */
export function capture(hole: AttributeHole, node: Node, name: string): Found {
  const a = attributeOf(node, name);
  if (hole.type === 'any') return { value: a };
  if (!a) return hole.absent ? { value: hole.absent.absent } : { not: `${describe(node)} has no ${name}` };
  if (a.type !== hole.type) return { not: `${describe(node)} has ${name} = ${show(a)}, not of type ${hole.type}` };
  if (a.type === 'int' && typeof a.value !== 'number') return { not: `${describe(node)} has ${name} = ${show(a)}, beyond 2^53` };
  if (a.type === 'ints' && !a.value.every((v) => typeof v === 'number')) return { not: `${describe(node)} has ${name} = ${show(a)}, beyond 2^53` };
  if (a.type === 'string' && typeof a.value !== 'string') return { not: `${describe(node)} has a ${name} that is no text` };
  return { value: a.value };
}

/** Why the attributes of a node are not as the pattern says, holes aside; undefined if they are. */
export function unmetAttributes(call: CallPattern, node: Node): string | undefined {
  for (const [name, wanted] of call.attrs) {
    if (wanted instanceof AttributeHole) continue;
    const has = attributeOf(node, name);
    if (!has || !equals(has, wanted)) return `${describe(node)} has ${has ? `${name} = ${show(has)}` : `no ${name}`}, not ${show(wanted)}`;
  }
  return call.anyAttributes ? undefined : unmentioned(call, node);
}

function unmentioned(call: CallPattern, node: Node): string | undefined {
  for (const [name, a] of node.attrs) {
    if (call.attrs.has(name)) continue;
    const usual = defaultOf(node, name);
    if (usual && sameAttr(a, usual)) continue;
    if (isInputOf(node, name, call.inputs.length) || (name === 'num_outputs' && node.is('Split'))) continue; // an input, and what the outputs say already
    return `${describe(node)} has ${name} = ${show(a)}, which the pattern does not mention`;
  }
  return undefined;
}

function equals(has: Attr, wanted: AttrInput): boolean {
  const a = has.type === 'ref' ? undefined : toAttr(has.type, wanted);
  return a !== undefined && sameAttr(has, a);
}

function show(a: Attr | AttrInput): string {
  if (typeof a === 'string') return JSON.stringify(a);
  if (Array.isArray(a)) return `[${a.map((v: AttrInput) => show(v)).join(', ')}]`;
  if (typeof a !== 'object') return String(a);
  if (!('type' in a)) return 'something else';
  if (a.type === 'ref') return `the "${a.to}" of the function's caller`;
  if (typeof a.type !== 'string' || !('value' in a)) throw new OnnxError('bad-edit', 'An attribute has a type and a value: attr.int(1).');
  return ['int', 'float', 'string', 'ints', 'floats', 'strings'].includes(a.type) ? show(a.value as AttrInput) : `a ${a.type}`; // of those kinds it is a plain value
}
