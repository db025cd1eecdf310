import type { MetricRow, ModelFacts, Report, Verdict, VariantReport } from '@onnxpress/core';
import { bytes } from '@onnxpress/core';
import type { Colors } from './colors.ts';
import { columns, wrap } from './columns.ts';
import { age, amount, change, large, metricWords } from './format.ts';

export interface TableStyle {
  readonly colors: Colors;
  /** Milliseconds since 1970, for the age of numbers from the cache. */
  readonly now: number;
  /** Cells of the terminal, where there is one: long remarks are broken there. */
  readonly cells?: number | undefined;
}

/** The head of a run: its name, the model, and what it weighs. */
export function headLine(name: string, model: ModelFacts, { colors }: Pick<TableStyle, 'colors'>): string {
  return `${colors.bold(name)}  ${model.file}  ${colors.dim(`${bytes(model.bytes)} · ${large(model.params)} weights · opset ${model.opset}`)}`;
}

/** The report as a person reads it: candidates, the table of metrics and gates, what to know about the numbers, and where the result lies. */
export function reportLines(report: Report, style: TableStyle, reportFile?: string): string[] {
  const shown = report.variants.length === 1 ? report.variants[0] : report.variants.find((v) => v.name === report.chosen);
  return [
    ...(report.variants.length > 1 ? [...candidateLines(report, style), ''] : []),
    ...(shown ? variantLines(shown, style) : []),
    ...outcomeLines(report, reportFile, style),
  ];
}

/** The table of one candidate. */
export function variantLines(variant: VariantReport, style: TableStyle): string[] {
  const { colors } = style;
  const left = [...variant.gates];
  const rows = variant.metrics.flatMap((row) => {
    const own = left.filter((g) => concerns(g, row, variant.metrics));
    for (const g of own) left.splice(left.indexOf(g), 1);
    const first = [metricWords(row.metric), amount(row.original, row.unit), amount(row.result, row.unit), change(row.original, row.result, row.unit)];
    return own.length ? own.map((g, i) => [...(i === 0 ? first : ['', '', '', '']), ...gateCells(g, colors)]) : [[...first, '', '', '']];
  });
  rows.push(...left.map((g) => [metricWords(g.metric), '', '', '', ...gateCells(g, colors)]));
  if (rows.length === 0) return [];
  const head = ['', 'original', 'result', 'change', ...(variant.gates.length ? ['gate'] : [])].map((h) => colors.dim(h));
  return [...columns([head, ...rows], { indent: '  ' }), ...noteLines(variant, style)];
}

/** One line per gate that failed, with what to do now. */
export function failureLines(report: Report, { colors }: Pick<TableStyle, 'colors'>): string[] {
  const variants = report.variants.length > 1 && report.chosen !== undefined ? [] : report.variants;
  return variants.flatMap((v) => v.gates.filter((g) => !g.ok).map((g) => `${colors.red('✘')} ${v.name ? `${v.name}: ` : ''}${g.message}`));
}

/** A matrix at a glance: each candidate with the metrics that gates judge, and the one that the winner is chosen by. */
function candidateLines(report: Report, { colors }: TableStyle): string[] {
  const judged = [...new Set([...report.variants.flatMap((v) => v.gates.map((g) => g.metric)), ...(report.choose ? [report.choose.metric] : [])])];
  const row = (v: VariantReport): string[] => [
    `${v.ok ? colors.green('✔') : colors.red('✘')} ${v.name}`,
    ...judged.map((metric) => {
      const found = v.metrics.find((m) => named(m.metric, metric));
      return found ? amount(found.result, found.unit) : '–';
    }),
    v.name === report.chosen ? colors.bold('← chosen') : '',
  ];
  return columns([['', ...judged.map((m) => colors.dim(metricWords(m)))], ...report.variants.map(row)], { indent: '  ' });
}

function noteLines(variant: VariantReport, { colors, now, cells = Infinity }: TableStyle): string[] {
  const byAge = new Map<string, string[]>();
  for (const e of variant.evaluations.filter((e) => e.cached)) {
    const when = age(now - e.at);
    byAge.set(when, [...(byAge.get(when) ?? []), e.as ?? e.use]);
  }
  const notes = [
    ...variant.evaluations.flatMap((e) => e.remarks.map((r) => `${e.as ?? e.use}: ${r}`)),
    ...[...byAge].map(([when, who]) => `${who.join(', ')}: measured ${when}, from the cache (--fresh measures anew)`),
  ];
  return notes.flatMap((note) => wrap(note, cells - 4).map((line, i) => `${i === 0 ? '  ' : '    '}${colors.dim(line)}`));
}

function outcomeLines(report: Report, reportFile: string | undefined, { colors }: TableStyle): string[] {
  const output = report.output ? `→ ${colors.bold(report.output)}` : '';
  const beside = reportFile ? `report: ${reportFile}` : '';
  const line = [output, beside].filter((part) => part !== '').join('   ');
  return line ? [`  ${line}`] : [];
}

function gateCells(gate: Verdict, colors: Colors): string[] {
  const details = [gate.inconclusive ? 'inconclusive' : '', gate.detail ?? ''].filter((d) => d !== '').join(', ');
  return [gate.bound, gate.ok ? colors.green('✔') : colors.red('✘'), details ? colors.dim(`(${details})`) : ''];
}

/** A gate names a metric as the row does, or without the evaluator's name where only one row has that metric. */
function concerns(gate: Verdict, row: MetricRow, all: readonly MetricRow[]): boolean {
  const exact = all.find((r) => r.metric === gate.metric);
  return (exact ?? all.find((r) => named(r.metric, gate.metric))) === row;
}

const named = (metric: string, asked: string): boolean => metric === asked || metric.endsWith(`.${asked}`);
