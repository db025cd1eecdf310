/* Values as YAML on one line, for recipes that commands write. Reading YAML is core's. */

/** A text as YAML: plain where nothing else could be read from it, quoted otherwise. */
export function scalar(value: string): string {
  return /^[A-Za-z_./][\w./@-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|\.inf|\.nan)$/i.test(value) ? value : JSON.stringify(value);
}

/** A value in flow style: "{ file: a.txt, take: 64 }". */
export function flow(value: unknown): string {
  if (typeof value === 'string') return scalar(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).map(([key, v]) => `${scalar(key)}: ${flow(v)}`);
  return members.length ? `{ ${members.join(', ')} }` : '{}';
}

/** A contribution as a list entry: its name alone where it has no options. */
export const call = (use: string, options: Readonly<Record<string, unknown>> = {}): string => (Object.keys(options).length ? `{ use: ${scalar(use)}, with: ${flow(options)} }` : scalar(use));
