import { nodeRule } from '@onnxpress/core';
import { isAll, sameShape, uniformOf } from '../numbers.ts';

/** Neg of a Neg, Not of a Not. */
export const ownInverse = nodeRule('own-inverse', {
  operators: ['Neg', 'Not'],
  depth: 2,
  apply(node) {
    const inner = node.inputs[0]?.producer;
    return inner?.is(node.opType) && inner.inputs[0] ? inner.inputs[0] : 'what it reads does not undo it';
  },
});

/** Where with a condition that is the same everywhere: what it takes, if that has the shape already. */
export const knownChoice = nodeRule('known-choice', {
  operators: ['Where'],
  depth: 1,
  apply(node) {
    const [condition, yes, no] = node.inputs;
    const known = condition?.constant && uniformOf(condition.constant);
    const taken = known === undefined ? undefined : known !== 0 ? yes : no;
    if (!taken) return 'its condition is not the same everywhere';
    return sameShape(taken, node.output) ? taken : 'it spreads what it takes';
  },
});

/** The first power. */
export const firstPower = nodeRule('first-power', {
  operators: ['Pow'],
  depth: 1,
  apply(node) {
    const [x, exponent] = node.inputs;
    return x && isAll(exponent, 1) && sameShape(x, node.output) ? x : 'its exponent is not 1';
  },
});

/** The greatest or least of one element, where axes stay. */
export const extremeOfOne = nodeRule('extreme-of-one', {
  operators: ['ReduceMax', 'ReduceMin'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    return x && node.int('keepdims', 1) !== 0 && sameShape(x, node.output) ? x : 'it reduces several elements to one';
  },
});
