type Size = number | 'N' | 'M';

interface Made {
  readonly name: string;
  readonly dims: readonly Size[];
}

/**
 * A model as text, made of choices: nodes that exporters write, in orders that nobody would. Every value is float32 with sizes N and M and small numbers;
 * shapes are also computed from Shape. It runs on any input without dividing by zero. Equal choices give equal models.
 */
export function randomGraph(choices: readonly number[]): string {
  const maker = new Maker(choices);
  while (!maker.isDone) maker.step();
  return maker.text();
}

const UNARY = ['Relu', 'Neg', 'Abs', 'Identity', 'Sigmoid', 'Identity', 'Dropout'];
/** Forms of operators changed between them; those after 17 take axes and parts in yet another way. */
const OPSETS = [17, 15, 13, 14, 16];
const SCALARS = ['0', '-0.0', '1', '2', '-1', '0.5'];
const show = (dims: readonly Size[]): string => `[${dims.join(', ')}]`;

class Maker {
  readonly #choices: readonly number[];
  readonly #values: Made[] = [{ name: 'x', dims: ['N', 4] }, { name: 'z', dims: ['N', 'M', 6] }, { name: 'k', dims: ['N', 2, 3] }];
  readonly #lines: string[] = [];
  readonly #constants: string[] = [];
  #at = 0;
  #count = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  get isDone(): boolean {
    return this.#at >= this.#choices.length;
  }

  text(): string {
    const outputs = this.#values.slice(3).filter((_, i, all) => i >= all.length - 2 || i % 5 === 0);
    const given = outputs.length ? outputs : [this.#values[0]!];
    const names = given.map((v, i) => ({ name: outputs.length ? v.name : 'out', dims: v.dims, i }));
    const lines = outputs.length ? this.#lines : ['out = Relu(x)'];
    const opset = OPSETS[(this.#choices[0] ?? 0) % OPSETS.length]!;
    return `<ir_version: 8, opset_import: ["" : ${opset}]> g (float[N, 4] x, float[N, M, 6] z, float[N, 2, 3] k, bool c) => (${names.map((v) => `float${show(v.dims)} ${v.name}`).join(', ')}) <${['int64[1] zero = {0}', ...this.#constants].join(', ')}> {\n${lines.join('\n')}\n}`;
  }

  step(): void {
    const v = this.#values[this.#pick(this.#values.length)]!;
    const steps = [this.#unary, this.#scalar, this.#vector, this.#binary, this.#transpose, this.#unsqueeze, this.#reshape, this.#casts, this.#doubled, this.#matmul, this.#expand, this.#mean, this.#branch, this.#convolution, this.#split, this.#flatten, this.#whole, this.#padded, this.#sum, this.#sequence, this.#loop, this.#where, this.#like, this.#gather, this.#backwards, this.#tile, this.#pooled, this.#inlined];
    steps[this.#pick(steps.length)]!.call(this, v);
  }

  #pick(count: number): number {
    return (this.#choices[this.#at++] ?? 0) % count;
  }

  #name(): string {
    return `v${this.#count++}`;
  }

  #constant(type: string, numbers: readonly (number | string)[]): string {
    const name = `c${this.#constants.length}`;
    this.#constants.push(`${type} ${name} = {${numbers.join(', ')}}`);
    return name;
  }

  #add(call: string, dims: readonly Size[], name = this.#name()): Made {
    this.#lines.push(`${name} = ${call}`);
    const made = { name, dims };
    this.#values.push(made);
    return made;
  }

  /** A node whose result is no float: not to be chosen later. */
  #helper(call: string): string {
    const name = this.#name();
    this.#lines.push(`${name} = ${call}`);
    return name;
  }

  #numbers(count: number): number[] {
    return Array.from({ length: count }, () => (this.#pick(9) - 4) / 2 || 1);
  }

  #unary(v: Made): void {
    this.#add(`${UNARY[this.#pick(UNARY.length)]!}(${v.name})`, v.dims);
  }

  #scalar(v: Made): void {
    const op = ['Mul', 'Add', 'Sub', 'Div', 'Pow'][this.#pick(5)]!;
    const number = op === 'Div' ? ['1', '2', '-1'][this.#pick(3)]! : op === 'Pow' ? '1' : SCALARS[this.#pick(SCALARS.length)]!;
    const c = this.#constant(this.#pick(2) === 0 ? 'float' : 'float[1]', [number]);
    const swapped = this.#pick(2) === 0 && !['Div', 'Pow'].includes(op);
    this.#add(`${op}(${swapped ? `${c}, ${v.name}` : `${v.name}, ${c}`})`, v.dims);
  }

  #vector(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number') return;
    const op = ['Mul', 'Add', 'Sub'][this.#pick(3)]!;
    this.#add(`${op}(${v.name}, ${this.#constant(`float[${last}]`, this.#numbers(last))})`, v.dims);
  }

  #binary(v: Made): void {
    const alike = this.#values.filter((w) => show(w.dims) === show(v.dims));
    const w = alike[this.#pick(alike.length)]!;
    this.#add(`${['Add', 'Sub', 'Mul', 'Max', 'Min'][this.#pick(5)]!}(${v.name}, ${w.name})`, v.dims);
  }

  #transpose(v: Made): void {
    const turn = this.#pick(v.dims.length);
    const perm = v.dims.map((_, i) => (i + turn) % v.dims.length);
    this.#add(`Transpose <perm = [${perm.join(', ')}]> (${v.name})`, perm.map((p) => v.dims[p]!));
  }

  #unsqueeze(v: Made): void {
    const one = v.dims.indexOf(1);
    if (one >= 0 && this.#pick(2) === 0) {
      this.#add(`Squeeze(${v.name}, ${this.#constant('int64[1]', [one])})`, v.dims.filter((_, i) => i !== one));
    } else if (v.dims.length < 5) {
      const at = this.#pick(v.dims.length + 1);
      this.#add(`Unsqueeze(${v.name}, ${this.#constant('int64[1]', [at])})`, [...v.dims.slice(0, at), 1, ...v.dims.slice(at)]);
    }
  }

  /** The sizes as a shape, each read from Shape or written down. */
  #shape(v: Made, dims: readonly Size[]): string {
    const s = this.#helper(`Shape(${v.name})`);
    const parts = dims.map((d) => {
      if (typeof d === 'number' && this.#pick(2) === 0) return this.#constant('int64[1]', [d]);
      const at = v.dims.indexOf(d);
      if (at < 0) return this.#constant('int64[1]', [d]);
      const size = this.#helper(`Gather(${s}, ${this.#constant('int64', [at])})`);
      return this.#helper(`Unsqueeze(${size}, zero)`);
    });
    return this.#helper(`Concat <axis = 0> (${parts.join(', ')})`);
  }

  #reshape(v: Made): void {
    const last = v.dims.at(-1);
    const split = typeof last === 'number' && last % 2 === 0 && v.dims.length < 5 ? [...v.dims.slice(0, -1), 2, last / 2] : v.dims;
    const turned = [...v.dims.slice(1), v.dims[0]!]; // as many elements: sizes change places, numbers do not
    const to = [v.dims, split, turned][this.#pick(3)]!;
    this.#add(`Reshape(${v.name}, ${this.#shape(v, to)})`, to);
  }

  #casts(v: Made): void {
    const between = [11, 10, 16, 1][this.#pick(4)]!;
    const a = this.#helper(`Cast <to = ${between === 16 ? 11 : between}> (${v.name})`);
    this.#add(`Cast <to = 1> (${a})`, v.dims);
  }

  #doubled(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number' || last > 24) return;
    const both = this.#add(`Concat <axis = -1> (${v.name}, ${v.name})`, [...v.dims.slice(0, -1), 2 * last]);
    const [start, end, axis] = [this.#pick(2), this.#pick(2) === 0 ? '9223372036854775807' : String(2 * last), both.dims.length - 1].map((n) => this.#constant('int64[1]', [n]));
    const kept = this.#constants.at(-3)!.includes('{1}') ? 2 * last - 1 : 2 * last;
    this.#add(`Slice(${both.name}, ${start}, ${end}, ${axis})`, [...v.dims.slice(0, -1), kept]);
  }

  #matmul(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number') return;
    const to = 1 + this.#pick(4);
    this.#add(`MatMul(${v.name}, ${this.#constant(`float[${last}, ${to}]`, this.#numbers(last * to))})`, [...v.dims.slice(0, -1), to]);
  }

  #expand(v: Made): void {
    const shape = this.#pick(2) === 0 ? this.#helper(`Shape(${v.name})`) : this.#shape(v, v.dims);
    this.#add(`Expand(${v.name}, ${shape})`, v.dims);
  }

  #mean(v: Made): void {
    if (v.dims.length < 2) return;
    const axis = this.#pick(v.dims.length);
    const keep = this.#pick(2);
    const dims = keep ? v.dims.map((d, i) => (i === axis ? 1 : d)) : v.dims.filter((_, i) => i !== axis);
    this.#add(`ReduceMax <axes = [${axis}], keepdims = ${keep}> (${v.name})`, dims);
  }

  /** A condition that the caller gives, or one that follows from the rank. */
  #branch(v: Made): void {
    const [name, p, q, r] = [this.#name(), this.#name(), this.#name(), this.#name()];
    const rank = this.#helper(`Size(${this.#helper(`Shape(${v.name})`)})`);
    const condition = this.#pick(2) === 0 ? 'c' : this.#helper(`Equal(${rank}, ${this.#constant('int64', [v.dims.length - this.#pick(2)])})`);
    const type = `float${show(v.dims)}`;
    this.#add(`If (${condition}) <then_branch = t${name} () => (${type} ${p}) { ${r} = Identity(${v.name})  ${p} = Relu(${r}) }, else_branch = e${name} () => (${type} ${q}) { ${q} = Identity(${v.name}) }>`, v.dims, name);
  }

  #convolution(v: Made): void {
    const [first, channels, length] = v.dims;
    if (v.dims.length !== 3 || typeof channels !== 'number' || first === undefined || length === undefined) return;
    const pads = this.#pick(2) === 0 ? '' : ' <pads = [1, 0]> ';
    if (pads && typeof length !== 'number') return;
    const to: Size = typeof length === 'number' && pads ? length + 1 : length;
    const filter = this.#constant(`float[2, ${channels}, 1]`, this.#numbers(2 * channels));
    const result = this.#add(`Conv${pads}(${v.name}, ${filter})`, [first, 2, to]);
    const [gain, shift, mean] = [0, 1, 2].map(() => this.#constant('float[2]', this.#numbers(2)));
    if (this.#pick(2) === 0) this.#add(`BatchNormalization(${result.name}, ${gain}, ${shift}, ${mean}, ${this.#constant('float[2]', [1, 0.5])})`, result.dims);
    else this.#add(`Mul(${result.name}, ${this.#constant('float[2, 1]', this.#numbers(2))})`, result.dims);
  }

  #split(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number' || last % 2 !== 0) return;
    const [a, b] = [this.#name(), this.#name()];
    this.#lines.push(`${a}, ${b} = Split <axis = -1> (${v.name})`);
    for (const name of [a, b]) this.#values.push({ name, dims: [...v.dims.slice(0, -1), last / 2] });
  }

  #flatten(v: Made): void {
    const [a, b] = v.dims.slice(-2);
    if (v.dims.length < 3 || typeof a !== 'number' || typeof b !== 'number') return;
    const to = [...v.dims.slice(0, -2), a * b];
    const shape = this.#constant(`int64[${to.length}]`, to.map((d) => (typeof d === 'number' ? d : 0)));
    this.#add(`Reshape(${v.name}, ${to.every((d, i) => typeof d === 'number' || v.dims[i] === d) ? shape : this.#shape(v, to)})`, to);
  }

  #whole(v: Made): void {
    const s = this.#helper(`Shape(${v.name})`);
    const end = this.#helper(`Slice(${s}, zero, ${this.#constant('int64[1]', [1])})`);
    this.#add(`Slice(${v.name}, zero, ${end}, zero)`, v.dims);
  }

  /** Zeros, or something else, around the last axis before a convolution. */
  #padded(v: Made): void {
    const [first, channels, length] = v.dims;
    if (v.dims.length !== 3 || first === undefined || typeof channels !== 'number' || typeof length !== 'number' || length > 16) return;
    const pads = this.#constant('int64[6]', [0, 0, this.#pick(2), 0, 0, 1]);
    const [before] = this.#constants.at(-1)!.includes('0, 0, 1, 0, 0, 1') ? [1] : [0];
    const filling = this.#pick(3) === 0 ? `, ${this.#constant('float', [1])}` : '';
    const to = length + before! + 1;
    const a = this.#add(`Pad(${v.name}, ${pads}${filling})`, [first, channels, to]);
    this.#add(`Conv(${a.name}, ${this.#constant(`float[2, ${channels}, 2]`, this.#numbers(4 * channels))})`, [first, 2, to - 1]);
  }

  /** A sum that keeps its axis, and a Squeeze of it or none. */
  #sum(v: Made): void {
    if (v.dims.length < 2) return;
    const axis = this.#pick(v.dims.length);
    const axes = this.#constant('int64[1]', [this.#pick(2) === 0 ? axis : axis - v.dims.length]);
    const kept = this.#add(`ReduceSum(${v.name}, ${axes})`, v.dims.map((d, i) => (i === axis ? 1 : d)));
    if (this.#pick(2) === 0) this.#add(`Squeeze(${kept.name}, ${axes})`, v.dims.filter((_, i) => i !== axis));
  }

  #sequence(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number' || last < 2) return;
    const s = this.#helper(`SplitToSequence <axis = -1> (${v.name}, ${this.#constant('int64', [1])})`);
    this.#add(`SequenceAt(${s}, ${this.#constant('int64', [this.#pick(2) === 0 ? 0 : -1])})`, [...v.dims.slice(0, -1), 1]);
  }

  /** A loop of none, one or two rounds over a state, which reads what lies around it. */
  #loop(v: Made): void {
    const [name, count, go] = [this.#name(), this.#constant('int64', [this.#pick(3)]), this.#constant('bool', [1])];
    const type = `float${show(v.dims)}`;
    const [i, c, d, s, t, r] = Array.from({ length: 6 }, () => this.#name());
    this.#add(`Loop (${count}, ${go}, ${v.name}) <body = b${name} (int64 ${i}, bool ${c}, ${type} ${s}) => (bool ${d}, ${type} ${r}) { ${d} = Identity(${c})  ${t} = Relu(${v.name})  ${r} = Sub(${s}, ${t}) }>`, v.dims, name);
  }

  #where(v: Made): void {
    const condition = this.#helper(`Less(${v.name}, ${this.#constant('float', [0.5])})`);
    this.#add(`Where(${condition}, ${this.#constant('float', ['-9'])}, ${v.name})`, v.dims);
  }

  /** A constant of another type in the type of the value, as exporters write scalars. */
  #like(v: Made): void {
    if (OPSETS[(this.#choices[0] ?? 0) % OPSETS.length]! < 15) return;
    const scalar = this.#helper(`CastLike(${this.#constant('int64', [1 + this.#pick(2)])}, ${v.name})`);
    this.#add(`${this.#pick(2) === 0 ? 'Mul' : 'Add'}(${v.name}, ${scalar})`, v.dims);
  }

  #gather(v: Made): void {
    const last = v.dims.at(-1);
    if (typeof last !== 'number' || v.dims.length < 2) return;
    const index = this.#constant('int64', [this.#pick(2) === 0 ? -1 : this.#pick(last)]);
    this.#add(`Gather <axis = ${v.dims.length - 1}> (${v.name}, ${index})`, v.dims.slice(0, -1));
  }

  #backwards(v: Made): void {
    const [start, end, axis, step] = ['-1', '-9223372036854775807', '-1', '-1'].map((n) => this.#constant('int64[1]', [n]));
    this.#add(`Slice(${v.name}, ${start}, ${end}, ${axis}, ${step})`, v.dims);
  }

  #tile(v: Made): void {
    const last = v.dims.at(-1);
    const times = 1 + this.#pick(2);
    if (typeof last !== 'number' || last * times > 24) return;
    this.#add(`Tile(${v.name}, ${this.#constant(`int64[${v.dims.length}]`, v.dims.map((_, i) => (i === v.dims.length - 1 ? times : 1)))})`, [...v.dims.slice(0, -1), last * times]);
  }

  #pooled(v: Made): void {
    const [first, channels, length] = v.dims;
    if (v.dims.length !== 3 || first === undefined || channels === undefined || typeof length !== 'number' || length < 2) return;
    this.#add(`${this.#pick(2) === 0 ? 'MaxPool' : 'AveragePool'} <kernel_shape = [2]> (${v.name})`, [first, channels, length - 1]);
  }

  /** A branch whose condition is a constant, with names of its own and of its neighbour. */
  #inlined(v: Made): void {
    const [name, p, q, r] = [this.#name(), this.#name(), this.#name(), this.#name()];
    const type = `float${show(v.dims)}`;
    const condition = this.#constant('bool', [this.#pick(2)]);
    this.#add(`If (${condition}) <then_branch = t${name} () => (${type} ${p}) { ${r} = Neg(${v.name})  ${p} = Abs(${r}) }, else_branch = e${name} () => (${type} ${q}) { ${r} = Relu(${v.name})  ${q} = Neg(${r}) }>`, v.dims, name);
  }
}
