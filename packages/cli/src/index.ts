export { main } from './cli.ts';
export type { Host, Output } from './host.ts';
