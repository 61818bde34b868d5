// The client head: what the client does with its own rows before anything is sent. All of it is public: reading columns, marking
// missing values, encoding categories, and normalising rows where the model starts with that.

import { isNorm, normalize } from "./functions.ts";
import { type Port, elementName } from "./port.ts";
import { type Variant, sound, soundLabels, variant, within } from "./sound.ts";
import { type Tensor, numberAt } from "./tensor.ts";

/** As the bundle has it. */
export interface HeadJson {
  inputs: Port[];
  features: unknown[];
  groups: { norm: unknown; members: number[] }[];
  categories: { levels: (number | string)[]; unknown_is_zeros: boolean }[];
  columns: unknown[];
}

export type Missing = "Nan" | { Value: number } | null;

export interface ColumnJson {
  feature: number;
  missing?: Missing;
  category?: number;
  level?: number;
}

/** One number that enters the private core: which kind, made from which feature. */
export type Column = Variant<ColumnJson>;

/** What a feature, or a column, is for one row. */
type Read = (rows: Tensor[], row: number) => number;

interface Raw {
  input: number;
  element: number;
}

interface Feature {
  read: Read;
  name: string;
  /** Where it stands in the rows, unless it is normalised. */
  raw?: Raw;
}

export class Head {
  readonly inputs: Port[];
  readonly features: Feature[] = [];
  readonly columns: Column[];
  private readonly reads: Read[];

  constructor(private readonly json: HeadJson) {
    this.inputs = json.inputs;
    json.features.forEach((feature) => this.features.push(this.feature(feature)));
    this.columns = json.columns.map((column) => variant<ColumnJson>(column));
    this.reads = this.columns.map((column) => this.column(column));
  }

  /** Columns of rows `from..to`. What may not be sent (a missing value, an unknown level) is NaN here. */
  fill(rows: Tensor[], from: number, to: number): Float64Array<ArrayBuffer> {
    const { reads } = this;
    const out = new Float64Array((to - from) * reads.length);
    for (let row = from, at = 0; row < to; row++) {
      for (const read of reads) out[at++] = read(rows, row);
    }
    return out;
  }

  /** The feature that a column is made from. */
  featureOf(column: number): Feature {
    return this.features[this.columns[column]!.value.feature]!;
  }

  levels(category: number): (number | string)[] {
    return this.json.categories[category]!.levels;
  }

  private feature(json: unknown): Feature {
    const { name, value } = variant<Raw & { group: number; member: number }>(json);
    if (name === "Raw") return this.raw(value);
    sound(name === "Normalized");
    return this.normalized(value.group, value.member);
  }

  private raw({ input, element }: Raw): Feature {
    const port = this.inputs[input];
    sound(port && within(element, 0, port.width - 1));
    const read: Read = (rows, row) => numberAt(rows[input]!.data, row * rows[input]!.width + element);
    return { read, name: elementName(port, element), raw: { input, element } };
  }

  private normalized(group: number, member: number): Feature {
    const { norm, members } = this.json.groups[group]!;
    const own = this.features[members[member]!];
    sound(own && members.every((m) => m < this.features.length) && isNorm(norm));
    const reads = members.map((m) => this.features[m]!.read);
    const read: Read = (rows, row) => {
      const values = Float64Array.from(reads, (read) => read(rows, row));
      normalize(norm, values);
      // A NaN among the members makes the whole row unusable, not only its own place.
      return values.some(Number.isNaN) ? NaN : values[member]!;
    };
    return { read, name: `normalised ${own.name}` };
  }

  private column({ name, value }: Column): Read {
    const feature = this.features[value.feature];
    sound(feature);
    const { read } = feature;
    const missing = isMissing(value.missing ?? null);
    switch (name) {
      case "Value":
        return (rows, row) => unless(missing, read(rows, row), (x) => x);
      case "Indicator":
        return (rows, row) => (missing(read(rows, row)) ? 1 : 0);
      case "Ordinal":
        return (rows, row) => unless(missing, read(rows, row), ordinal);
      default:
        sound(name === "Level");
        return this.level(feature, value);
    }
  }

  private level({ raw }: Feature, { category, level }: ColumnJson): Read {
    const known = this.json.categories[category!];
    sound(known && within(level, 0, known.levels.length - 1));
    soundLabels(known.levels);
    const unknown = known.unknown_is_zeros ? 0 : NaN;
    return (rows, row) => {
      if (!raw) return unknown;
      const { data, width } = rows[raw.input]!;
      const value = data[row * width + raw.element]!;
      if (typeof value === "number" && !Number.isFinite(value)) return NaN;
      const found = known.levels.findIndex((level) => isLevel(level, value));
      return found < 0 ? unknown : Number(found === level);
    };
  }
}

const unless = (missing: (x: number) => boolean, x: number, then: (x: number) => number) =>
  missing(x) ? 0 : then(x);

function isMissing(missing: Missing): (x: number) => boolean {
  if (missing === null) return () => false;
  if (missing === "Nan") return Number.isNaN;
  sound(typeof missing.Value === "number");
  return (x) => x === missing.Value;
}

/** Exporters cast a float category to an integer first, which drops its fraction. */
function isLevel(level: number | string, value: number | bigint | string): boolean {
  if (typeof value === "bigint") return typeof level === "number" && BigInt(level) === value;
  return level === (typeof value === "number" ? Math.trunc(value) : value);
}

/** Where `x`, as float32, stands among all float32 numbers: what trees compare. */
export function ordinal(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0]!;
  return bits >= 2 ** 31 ? 2 ** 31 - bits : bits;
}
