export { type Activation, type Collector } from './activation.ts';
export { Calibration } from './calibration.ts';
export { CALIBRATION_KINDS, samplesOf, tokenizerOf, type Padding, type Sample } from './samples.ts';
export { stagesOf, type Stage } from './stages.ts';
export { inputRows, inputStatistics, maxMagnitudes, together, type InputRows, type InputStatistics } from './statistics.ts';
