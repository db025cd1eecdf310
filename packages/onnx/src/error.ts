/** Stable, kebab-case names of what can be wrong with a model, a file or a graph edit. */
export type OnnxErrorCode =
  | 'not-onnx' // the bytes are not an ONNX model
  | 'truncated' // the bytes end early
  | 'malformed' // a field says something impossible
  | 'too-deep' // nesting beyond what any exporter writes
  | 'external-data' // weights beside the model are missing, short, or outside its folder
  | 'too-large' // asked for more bytes at once than a buffer holds
  | 'invalid-graph' // names, order, uses or types do not hold together
  | 'bad-edit' // a graph edit that would break the graph
  | 'unknown-operator' // no such operator, or not in this opset
  | 'endless-rewrite' // rewrite rules undo each other
  | 'bad-text' // the ONNX text syntax is wrong
  | 'unsupported' // valid ONNX that this function does not handle
  | 'io'; // the operating system refused

/** What went wrong with a model. The message says what, where and what now. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
  readonly code: OnnxErrorCode;

  constructor(code: OnnxErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
