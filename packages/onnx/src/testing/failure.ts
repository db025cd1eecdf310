import { OnnxError } from '../error.ts';

/** The OnnxError that `act` throws. Any other error, or none, fails the test. */
export function failure(act: () => unknown): OnnxError {
  try {
    act();
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

/** The same for what fails later. */
export async function failureOf(pending: Promise<unknown>): Promise<OnnxError> {
  try {
    await pending;
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}
