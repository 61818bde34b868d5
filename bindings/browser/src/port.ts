// Inputs and outputs of a model, under the exporter's own names.

export type DataType = "FP32" | "FP64" | "INT64" | "INT32" | "BOOL" | "BYTES";

/** As the bundle has it. */
export interface Port {
  name: string;
  dtype: DataType;
  /** Values per row. */
  width: number;
  /** Whether the shape is `[rows]` and not `[rows, width]`. */
  flat?: boolean;
  /** The dimensions of one row where there are several. */
  dims?: number[];
  /** What each value is, where the file says. */
  columns?: string[];
}

/** Bytes of one value in a call; of a text, those of its length. */
export const SIZES: Record<DataType, number> = { FP32: 4, FP64: 8, INT64: 8, INT32: 4, BOOL: 1, BYTES: 4 };

export const isFloat = (port: Port): boolean => port.dtype === "FP32" || port.dtype === "FP64";

export function rowShape(port: Port): number[] {
  if (port.flat) return [];
  return port.dims?.length ? port.dims : [port.width];
}

/** What a value is called in messages: the column's name, or `name[element]`. */
export function elementName(port: Port, element: number): string {
  return port.columns?.[element] ?? (port.width === 1 ? port.name : `${port.name}[${element}]`);
}

export function isSoundPort(port: Port): boolean {
  const texts = port.columns ?? [];
  return (
    typeof port.name === "string" &&
    Object.hasOwn(SIZES, port.dtype) &&
    Number.isSafeInteger(port.width) &&
    port.width > 0 &&
    Array.isArray(texts) &&
    texts.every((text) => typeof text === "string")
  );
}
