// As much of Node as the tests use.

declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
  export function test(name: string, how: { skip: string | false }, run: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  interface Assert {
    (value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    rejects(run: Promise<unknown>, check: (error: unknown) => boolean): Promise<void>;
    throws(run: () => unknown, check: (error: unknown) => boolean): void;
  }
  const assert: Assert;
  export default assert;
}

declare module "node:fs" {
  export function existsSync(path: URL): boolean;
  export function readdirSync(path: URL): string[];
  export function readFileSync(path: URL, encoding: "utf8"): string;
  export function readFileSync(path: URL): Uint8Array<ArrayBuffer>;
}
