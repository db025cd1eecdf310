import { Command, Option } from 'commander';
import type { Shell } from './shell.ts';

/* The whole command line on one page. What a command does lies in commands/ and is loaded when it is called: `check` must start at once. */

/** A command's work: what was given, its flags, and how to speak. Returns the exit code. */
export type Work<Given extends readonly unknown[]> = (shell: Shell, ...given: Given) => Promise<number>;

const RECIPE = 'the recipe; default ./onnxpress.yaml';
const cacheFolder = (): Option => new Option('--cache <folder>', 'where the cache lies; default .onnxpress/cache beside the recipe');
const asJson = (): Option => new Option('--json', 'print JSON, and nothing else, on standard output');
const threads = (): Option => new Option('--threads <n>', 'threads of the runtime; 0 is all cores');

/** The command line. `end` is called with the exit code of the command that ran. */
export function program(shell: Shell, version: string, end: (code: number) => void): Command {
  const root = new Command('onnxpress');
  const does = <Given extends readonly unknown[]>(load: () => Promise<Work<Given>>) => async (...all: unknown[]): Promise<void> => {
    const command = all.at(-1) as Command; // commander's own calling convention: arguments, flags, command
    const flags = command.opts() as { json?: boolean };
    shell.flags = root.opts();
    shell.json = flags.json === true;
    end(await (await load())(shell, ...(all.slice(0, -1) as unknown as Given))); // declared below, beside the arguments
  };

  root
    .description('Optimize ONNX models by recipe: smaller, faster, and proven.')
    .version(version, '--version', 'print the version')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are honoured too')
    .option('--verbose', 'show the stack of what failed')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', examples(
      ['onnxpress init models/minilm', 'look at a model and write onnxpress.yaml for it'],
      ['onnxpress run', 'run it: optimize, measure, judge'],
      ['onnxpress plan', 'see what it would do'],
      ['onnxpress quantize model.onnx', 'one step, without a recipe'],
    ));

  root.command('init').argument('[model]', 'a model file, or a folder that holds one')
    .description('look at a model, ask up to three questions, and write a recipe')
    .option('-o, --out <file>', 'the recipe to write', 'onnxpress.yaml')
    .option('-y, --yes', 'ask nothing, take the defaults')
    .option('--force', 'replace a recipe that is there')
    .addHelpText('after', examples(['onnxpress init models/minilm', ''], ['onnxpress init model.onnx --yes --out small.yaml', '']))
    .action(does(async () => (await import('./commands/init.ts')).init));

  root.command('run').argument('[recipe...]', RECIPE)
    .description('run recipes: optimize, measure, judge')
    .option('--model <path>', "a model instead of the recipe's")
    .option('--out <path>', "where the result goes, instead of the recipe's output")
    .option('--shard <part>', 'only a part of the matrix, such as 1/4')
    .option('--fresh', 'measure anew; steps still come from the cache')
    .addOption(cacheFolder())
    .option('--no-cache', 'read nothing from the cache and keep nothing')
    .addOption(threads())
    .option('--all', 'show every metric: a long table is cut to what is judged and the main metric of each evaluator')
    .addOption(asJson())
    .addHelpText('after', examples(['onnxpress run', ''], ['onnxpress run a.yaml b.yaml --json > reports.json', ''], ['onnxpress run --shard 2/4 --out out/2', 'one of four machines; see onnxpress merge']))
    .action(does(async () => (await import('./commands/run.ts')).run));

  root.command('plan').argument('[recipe]', RECIPE)
    .description('show what a run would do: steps, what patterns match, predicted size, cache hits')
    .option('--model <path>', "a model instead of the recipe's")
    .option('--why', 'also say what each step leaves alone, and why')
    .addOption(cacheFolder())
    .addOption(asJson())
    .action(does(async () => (await import('./commands/plan.ts')).plan));

  root.command('check').argument('[recipe...]', RECIPE)
    .description('only validate recipes')
    .addOption(asJson())
    .action(does(async () => (await import('./commands/check.ts')).check));

  root.command('merge').argument('<report...>', 'report.json files of the shards of one run')
    .description('reports of shards → one report and one verdict')
    .option('-o, --out <file>', 'where the merged report goes')
    .option('--all', 'show every metric')
    .addOption(asJson())
    .addHelpText('after', examples(['onnxpress merge out/*/report.json -o report.json', '']))
    .action(does(async () => (await import('./commands/merge.ts')).merge));

  root.command('inspect').argument('<model>', 'a model file, or a folder that holds one')
    .description('operators, weights by size, element types, quantization, opsets, dynamic dimensions')
    .option('--top <n>', 'how many weights to list', '10')
    .addOption(asJson())
    .action(does(async () => (await import('./commands/inspect.ts')).inspect));

  root.command('diff').argument('<before>', 'a model').argument('<after>', 'another model')
    .description('compare two models: structure, outputs, and on request every value inside')
    .option('--no-run', 'compare the structure only')
    .option('--layers', 'compare every value that has the same name in both, and say where the difference begins')
    .option('--inputs <file>', 'inputs as JSON, {"x": [[1, 2]]}; those that it does not name are random')
    .option('--seed <n>', 'of the random inputs', '0')
    .addOption(threads())
    .addOption(asJson())
    .action(does(async () => (await import('./commands/diff.ts')).diff));

  for (const [name, what, pass] of ONE_STEP) {
    root.command(name).argument('<model>', 'a model file, or a folder that holds one')
      .description(`${what} in one step, without a recipe`)
      .option('-o, --out <path>', `where the result goes; default: <model>-${name}.onnx beside the model`)
      .option('--pass <name>', `the pass; default ${pass}`)
      .option('--option <k=v...>', 'options of the pass, values as JSON or text; several of one name make a list')
      .addOption(threads())
      .addOption(asJson())
      .addHelpText('after', examples([`onnxpress ${name} model.onnx`, ''], [`onnxpress list ${pass}`, 'what options there are']))
      .action(does(async () => oneStepWork((await import('./commands/one-step.ts')).oneStep, name, pass)));
  }

  root.command('list').argument('[name]', 'one of them: shows its options')
    .description('every pass, evaluator, data set, gate and reporter that is installed')
    .addOption(asJson())
    .action(does(async () => (await import('./commands/list.ts')).list));

  root.command('schema')
    .description("the recipe's JSON Schema, composed from what is installed")
    .option('--write', 'write .onnxpress/recipe.schema.json, for editors')
    .action(does(async () => (await import('./commands/schema.ts')).schema));

  const cache = root.command('cache').description('the store of finished steps and measurements');
  cache.command('list').description('what it holds').addOption(cacheFolder()).addOption(asJson())
    .action(does(async () => (await import('./commands/cache.ts')).listCache));
  cache.command('prune').description('forget what was used longest ago').addOption(cacheFolder())
    .option('--keep <size>', 'how much may stay, such as "2 GB"; default 10 GB').addOption(asJson())
    .action(does(async () => (await import('./commands/cache.ts')).pruneCache));
  cache.command('verify').description('read everything and drop what is damaged').addOption(cacheFolder()).addOption(asJson())
    .action(does(async () => (await import('./commands/cache.ts')).verifyCache));

  return root;
}

/** Commands that are one step: their plugin may be absent, and then they say what to install. */
const ONE_STEP = [
  ['quantize', 'make a model smaller', 'quant/dynamic'],
  ['optimize', 'simplify a model', 'fusion/simplify'],
  ['prune', 'remove weights from a model', 'prune/magnitude'],
] as const;

const oneStepWork = <F extends { pass?: string }>(work: Work<[string, F & { name: string; pass: string }]>, name: string, pass: string): Work<[string, F]> =>
  (shell, model, flags) => work(shell, model, { ...flags, name, pass: flags.pass ?? pass });

function examples(...lines: readonly (readonly [command: string, does: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}${what ? `   ${what}` : ''}`.trimEnd()).join('\n')}`;
}
