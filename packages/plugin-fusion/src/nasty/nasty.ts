/** Graphs by what makes them nasty, as ONNX text: five lines at most, and a name that says what an optimizer gets wrong. */
export type Nasty = Readonly<Record<string, string>>;
