import type { Dataset, Feeds, Text } from '@onnxpress/core';

/** A collection in memory: texts by id, and judgements as "query document grade". */
export function collection(documents: Readonly<Record<string, string>>, queries: Readonly<Record<string, string>>, judged: readonly (readonly [query: string, document: string, grade: number])[]): Dataset {
  const judgements = new Map<string, Map<string, number>>();
  for (const [query, document, grade] of judged) judgements.set(query, (judgements.get(query) ?? new Map<string, number>()).set(document, grade));
  return {
    kind: 'retrieval', fingerprint: JSON.stringify([documents, queries, judged]), count: Object.keys(queries).length,
    corpus: () => texts(documents), queries: () => texts(queries), judgements: async () => judgements,
  };
}

export function textData(all: readonly string[]): Dataset {
  return { kind: 'texts', fingerprint: JSON.stringify(all), count: all.length, texts: () => texts(Object.fromEntries(all.map((text, index) => [`t${index}`, text]))) };
}

export function tensorData(all: readonly Feeds[]): Dataset {
  return {
    kind: 'tensors', fingerprint: 'tensors', count: all.length,
    async *feeds() {
      yield* all;
    },
  };
}

async function* texts(byId: Readonly<Record<string, string>>): AsyncGenerator<Text, void, undefined> {
  for (const [id, text] of Object.entries(byId)) yield { id, text };
}
