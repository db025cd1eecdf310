import type { DType } from '../../dtype.ts';
import type { Dim } from '../../types.ts';
import { each, same, tensor, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

const rows = (f: Facts): Dim => (f.rank(0) === 1 ? 1 : f.dim(0, 0));

/** Label and scores per row. */
const classifier =
  (strings: string, integers: string): Rule =>
  (f) => {
    const texts = lengthOf(f, strings);
    const count = texts ?? lengthOf(f, integers);
    const label: DType = texts ? 'string' : 'int64';
    return [tensor(label, [rows(f)]), tensor('float32', [rows(f), count !== undefined && count > 1 ? count : null])];
  };

/** How many elements a list attribute has, where it has any. */
function lengthOf(f: Facts, name: string): number | undefined {
  const a = f.node.attrs.get(name);
  const count = a && a.type.endsWith('s') && 'value' in a && Array.isArray(a.value) ? a.value.length : 0;
  return count > 0 ? count : undefined;
}

const targets: Rule = (f) => tensor('float32', [rows(f), f.node.int('n_targets') ?? f.node.int('targets') ?? null]);

const labelEncoder: Rule = (f) => {
  const kinds: readonly (readonly [string, DType])[] = [['values_strings', 'string'], ['values_int64s', 'int64'], ['values_floats', 'float32']];
  const found = kinds.find(([name]) => lengthOf(f, name) !== undefined)?.[1];
  const values = f.node.attrs.get('values_tensor');
  const legacy: DType | undefined = lengthOf(f, 'classes_strings') === undefined ? undefined : f.dtype(0) === 'string' ? 'int64' : 'string';
  return tensor(values?.type === 'tensor' ? values.value.dtype : (found ?? legacy), f.dims(0));
};

const oneHot: Rule = (f) => {
  const dims = f.dims(0);
  const count = lengthOf(f, 'cats_strings') ?? lengthOf(f, 'cats_int64s') ?? null;
  return tensor('float32', dims && [...dims, count]);
};

const float32 = (dims: (f: Facts) => Dims): Rule => (f) => tensor('float32', dims(f));

export const ML: Rules = {
  ...each('Binarizer Imputer', same),
  ...each('Scaler Normalizer', float32((f) => f.dims(0))),
  LabelEncoder: labelEncoder,
  CategoryMapper: (f) => tensor(f.dtype(0) === 'string' ? 'int64' : 'string', f.dims(0)),
  OneHotEncoder: oneHot,
  ArrayFeatureExtractor: (f) => {
    const [dims, count] = [f.dims(0), f.dims(1)];
    return tensor(f.dtype(0), dims && count && [...(dims.length === 1 ? [1] : dims.slice(0, -1)), f.sizes.product(count)]);
  },
  LinearClassifier: classifier('classlabels_strings', 'classlabels_ints'),
  SVMClassifier: (f) => [tensor(lengthOf(f, 'classlabels_strings') ? 'string' : 'int64', [rows(f)]), tensor('float32', [rows(f), null])],
  TreeEnsembleClassifier: classifier('classlabels_strings', 'classlabels_int64s'),
  ...each('LinearRegressor TreeEnsembleRegressor', targets),
  SVMRegressor: float32((f) => [rows(f), 1]),
  TreeEnsemble: (f) => tensor(f.dtype(0), [f.dim(0, 0), f.node.int('n_targets') ?? null]),
  FeatureVectorizer: float32((f) => {
    const sizes = f.node.ints('inputdimensions');
    return [f.dim(0, 0), sizes ? sizes.reduce((a, b) => a + b, 0) : null];
  }),
  ZipMap: (f) => {
    const key: DType = lengthOf(f, 'classlabels_strings') ? 'string' : 'int64';
    return { kind: 'sequence', of: { kind: 'map', key, of: { kind: 'tensor', dtype: 'float32', dims: [] } } };
  },
};
