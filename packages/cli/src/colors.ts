/** Paints a text for a terminal, or leaves it as it is. */
export interface Colors {
  readonly enabled: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** What decides about colours: the stream, the environment, and `--no-color`. */
export interface ColorRequest {
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly noColor: boolean;
}

/** `--no-color` first, then FORCE_COLOR (https://force-color.org), then NO_COLOR (https://no-color.org), then whether a terminal listens. */
export function wantsColors({ isTTY, env, noColor }: ColorRequest): boolean {
  if (noColor) return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

export function colorsFor(enabled: boolean): Colors {
  const paint = (open: number, close: number) => (text: string): string => (enabled && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text);
  return { enabled, bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39), cyan: paint(36, 39) };
}
