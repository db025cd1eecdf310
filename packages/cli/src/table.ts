import type { MetricRow, ModelFacts, Report, Verdict, VariantReport } from '@onnxpress/core';
import { bytes, plural, rowNamed } from '@onnxpress/core';
import type { Colors } from './colors.ts';
import { columns, wrap } from './columns.ts';
import { age, amount, change, large, metricWords } from './format.ts';

export interface TableStyle {
  readonly colors: Colors;
  /** Milliseconds since 1970, for the age of numbers from the cache. */
  readonly now: number;
  /** Cells of the terminal, where there is one: long remarks are broken there. */
  readonly cells?: number | undefined;
  /** Every metric, however many there are. */
  readonly all?: boolean | undefined;
}

/** Rows that a person takes in at a glance. Of a longer table the judged metrics and the main one of each evaluator are shown; the others are in the report. */
const GLANCE = 10;

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
  const metrics = style.all || variant.metrics.length <= GLANCE ? variant.metrics : variant.metrics.filter((row, i) => row.evaluation !== variant.metrics[i - 1]?.evaluation || left.some((g) => concerns(g, row, variant.metrics)));
  const rows = metrics.flatMap((row) => {
    const own = left.filter((g) => concerns(g, row, variant.metrics));
    for (const g of own) left.splice(left.indexOf(g), 1);
    const first = [metricWords(row.metric), amount(row.original, row.unit), amount(row.result, row.unit), change(row.original, row.result, row.unit)];
    return own.length ? own.map((g, i) => [...(i === 0 ? first : ['', '', '', '']), ...gateCells(g, colors)]) : [[...first, '', '', '']];
  });
  rows.push(...left.map((g) => [metricWords(g.metric), '', '', '', ...gateCells(g, colors)]));
  if (rows.length === 0) return [];
  const head = ['', 'original', 'result', 'change', ...(variant.gates.length ? ['gate'] : [])].map((h) => colors.dim(h));
  const hidden = variant.metrics.length - metrics.length;
  return [...columns([head, ...rows], { indent: '  ' }), ...(hidden > 0 ? [`  ${colors.dim(`and ${plural(hidden, 'more metric')}: --all shows them`)}`] : []), ...noteLines(variant, style)];
}

/** One line per gate that failed or warns, with what to do now. */
export function failureLines(report: Report, { colors }: Pick<TableStyle, 'colors'>): string[] {
  const variants = report.variants.length > 1 && report.chosen !== undefined ? report.variants.filter((v) => v.name === report.chosen) : report.variants;
  return variants.flatMap((v) => v.gates.filter((g) => !g.ok || g.warn).map((g) => `${gateMark(g, colors)} ${v.name ? `${v.name}: ` : ''}${g.message}`));
}

/** A matrix at a glance: each candidate with the metrics that gates judge, and the one that the winner is chosen by. */
function candidateLines(report: Report, { colors }: TableStyle): string[] {
  const judged = [...new Set([...report.variants.flatMap((v) => v.gates.map((g) => g.metric)), ...(report.choose ? [report.choose.metric] : [])])];
  const row = (v: VariantReport): string[] => [
    `${v.ok ? colors.green('✔') : colors.red('✘')} ${v.name}`,
    ...judged.map((metric) => {
      const found = rowNamed(metric, v.metrics);
      return found ? amount(found.result, found.unit) : '–';
    }),
    v.name === report.chosen ? colors.bold(report.choose ? '← chosen' : '← the first that passes') : '',
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
  return [gate.bound, gateMark(gate, colors), details ? colors.dim(`(${details})`) : ''];
}

const gateMark = ({ ok, warn }: Verdict, colors: Colors): string => (!ok ? colors.red('✘') : warn ? colors.yellow('!') : colors.green('✔'));

/** Whether a gate judges the metric of a row. */
const concerns = (gate: Verdict, row: MetricRow, all: readonly MetricRow[]): boolean => rowNamed(gate.metric, all) === row;
