import { spawnSync } from 'node:child_process';

/* Disks that are full and machines without a network, made from Linux namespaces where a user may. */

/** Runs what follows without any network. */
export const OFFLINE = ['unshare', '-rn'] as const;

/** Runs a shell script, with a mount table of its own, that gets the arguments after it as "$@". */
export const withMounts = (script: string): string[] => ['unshare', '-rm', 'sh', '-c', script, 'sh'];

const works = (command: readonly string[]): boolean => spawnSync(command[0]!, command.slice(1)).status === 0;

export const canGoOffline = works([...OFFLINE, 'true']);
export const canMount = works(withMounts('mount -t tmpfs -o size=16k tmpfs /mnt'));

/** For titles of tests that skip where this machine does not let them. */
export const ifAllowed = (allowed: boolean): string => (allowed ? '' : ' (skipped: user namespaces are not allowed here)');
